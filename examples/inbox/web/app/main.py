"""The web service: `uvicorn app.main:app`. See `api.py` for what it answers."""

import os

from app.api import create_app
from app.settings import Settings

TITLE = "Inbox"

app = create_app(TITLE, Settings.from_environment(os.environ))
