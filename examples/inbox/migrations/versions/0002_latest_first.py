"""An index for the page, which asks for the latest messages."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("messages_received_at", "messages", ["received_at"])


def downgrade() -> None:
    op.drop_index("messages_received_at", table_name="messages")
