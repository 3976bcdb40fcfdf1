"""The CRM where one machine is not enough: what gunicorn serves, and the Celery app of its workers and its beat.

gunicorn 'example_app.worker:web()'
celery --app example_app.worker worker
celery --app example_app.worker beat
"""

from __future__ import annotations

import json
import os

from celery import Celery
from flask import Flask

from example_app import create_app
from example_app.extensions import crm_stripe

celery = Celery("northlight", broker=os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0"))
# A worker that was killed gives back what it had taken after a minute; the tasks are in the database anyway.
celery.conf.update(broker_transport_options={"visibility_timeout": 60}, worker_prefetch_multiplier=1)


def web() -> Flask:
    """The CRM for a web process. Making `celery` above has made it the current app: tasks go there."""
    return create_app({"DEMO_LOGINS": json.loads(os.environ.get("DEMO_LOGINS", "false"))})


if "celery" in os.environ.get("CRM_STRIPE_TASKS", ""):
    crm_stripe.register_tasks(celery, create_app())
