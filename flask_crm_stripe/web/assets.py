"""Bootstrap's files out of the installed Bootstrap-Flask, served by us: nothing comes from a CDN, and the host's own
``Bootstrap5(app)``, if it has one, is left alone."""

from __future__ import annotations

from pathlib import Path

import flask_bootstrap
from flask import Blueprint


def blueprint() -> Blueprint:
    """The static files of the wheel, under <prefix>/assets."""
    root = Path(flask_bootstrap.__file__).parent
    static = str(root / "static")
    return Blueprint("crm_stripe_assets", "flask_bootstrap", static_folder=static, static_url_path="/assets")
