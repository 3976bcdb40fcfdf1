"""The extensions that the whole CRM shares; `create_app` gives each of them its application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_bootstrap import Bootstrap5
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.orm import DeclarativeBase

from flask_crm_stripe import CRMStripe


class Base(DeclarativeBase):
    """What every model of the CRM inherits from."""


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base  # `db.Model` is made at run time, so type checkers can't inherit from it
else:
    Model = db.Model

bootstrap = Bootstrap5()
csrf = CSRFProtect()
login_manager = LoginManager()
migrate = Migrate()
crm_stripe = CRMStripe()
