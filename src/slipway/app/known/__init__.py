"""What names alone tell: images that keep data (`images`), secret variables (`names`)."""
