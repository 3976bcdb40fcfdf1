"""`/_fake/*`: the controls over HTTP, for this machine only; and FakeStripe served."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
import requests
import stripe
from werkzeug.test import Client

from flask_crm_stripe.testing.fake_stripe import FakeStripe, serve
from flask_crm_stripe.testing.fake_stripe.loopback import is_loopback

from . import scenes

ADDRESSES = ("requests", "faults", "webhooks", "clock", "switches", "state")


@pytest.fixture
def scene() -> scenes.Scene:
    """Two connected businesses, news delivered."""
    played = scenes.play()
    played.fake.deliver()
    played.received.clear()
    return played


def get(scene: scenes.Scene, path: str, **options: Any) -> Any:
    """GET one control and its JSON."""
    return Client(scene.fake.wsgi_app).get(f"/_fake/{path}", **options).json


def post(scene: scenes.Scene, path: str, body: Any, **options: Any) -> tuple[int, Any]:
    """POST JSON to one control; its status and JSON."""
    answer = Client(scene.fake.wsgi_app).post(f"/_fake/{path}", json=body, **options)
    return answer.status_code, answer.json


@pytest.mark.parametrize("path", ADDRESSES)
def test_controls_answer_loopback_hosts_only(scene: scenes.Scene, path: str) -> None:
    """A name pointed at this machine, another site's script and another machine are refused with why."""
    browser = Client(scene.fake.wsgi_app)
    for host in ("127.0.0.1:12111", "localhost", "[::1]:9", "LOCALHOST:80"):
        assert browser.get(f"/_fake/{path}", headers={"Host": host}).status_code == 200
    for headers in (
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "127.0.0.1", "Origin": "https://evil.example"},
        {"Host": "127.0.0.1", "Origin": "null"},
    ):
        refused = browser.get(f"/_fake/{path}", headers=headers)
        assert (refused.status_code, "this machine only" in refused.text) == (403, True)
    for sender in ("192.0.2.7", "2001:db8::1", "somewhere"):
        assert browser.get(f"/_fake/{path}", environ_overrides={"REMOTE_ADDR": sender}).status_code == 403
    assert browser.get(f"/_fake/{path}", headers={"Origin": "http://localhost:5000"}).status_code == 200


def test_a_refused_control_changes_nothing(scene: scenes.Scene) -> None:
    """The check stands in front of what is done."""
    before = scene.fake.clock.now()
    assert post(scene, "clock", {"advance": 10_000}, headers={"Host": "evil.example"})[0] == 403
    assert scene.fake.clock.now() - before < 100


@pytest.mark.parametrize("url", ["", "http://", "http://[", "file:///etc/passwd", "http://127.0.0.2.example"])
def test_what_is_no_loopback_address(url: str) -> None:
    """Rubbish is never taken for this machine."""
    assert not is_loopback(url)


def test_requests_can_be_filtered_and_hold_no_key(scene: scenes.Scene) -> None:
    """The log says verb, path, parameters, account, key of idempotency and outcome, per business."""
    options: Any = {"stripe_account": scene.one, "idempotency_key": "idem-1"}
    scene.client.v1.customers.create({"name": "Ada"}, options)
    scene.client.v1.customers.list(options={"stripe_account": scene.two})
    (found,) = get(scene, f"requests?account={scene.one}&path=/v1/customers")
    assert (found["method"], found["params"], found["idempotency_key"], found["status"]) == (
        "POST", {"name": "Ada"}, "idem-1", 200,
    )  # fmt: skip
    assert len(get(scene, "requests?path=/v1/customers")) == 2
    assert scenes.KEY not in str(get(scene, "requests"))


def test_faults_are_set_listed_and_lifted(scene: scenes.Scene) -> None:
    """A fault set over HTTP works like one set in Python."""
    fault = {"kind": "429", "method": "POST", "path": "/v1/customers", "times": 2}
    assert post(scene, "faults", fault)[1][0]["times"] == 2
    with pytest.raises(stripe.RateLimitError):
        scene.client.v1.customers.create({"name": "Ada"}, {"stripe_account": scene.one})
    assert get(scene, "faults")[0]["hits"] == 1
    assert Client(scene.fake.wsgi_app).delete("/_fake/faults").json == {"lifted": 1}
    scene.client.v1.customers.create({"name": "Ada"}, {"stripe_account": scene.one})


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("faults", {}, "kind"),
        ("faults", {"kind": "418"}, "kind"),
        ("faults", {"kind": "429", "colour": "red"}, "colour"),
        ("faults", {"kind": "429", "hits": 3}, "hits"),
        ("faults", {"kind": "429", "times": "many"}, "times"),
        ("faults", {"kind": "429", "skip": True}, "skip"),
        ("faults", {"kind": "delay", "seconds": "1"}, "seconds"),
        ("faults", {"kind": "429", "path": 7}, "path"),
        ("faults", [], "JSON object"),
        ("webhooks", {"do": "burn"}, "do"),
        ("webhooks", {"do": "drop", "times": -1}, "times"),
        ("webhooks", {"do": "resend", "event": "evt_x"}, "event"),
        ("clock", {"advance": -1}, "advance"),
        ("clock", {"advance": 1.5}, "advance"),
        ("clock", {}, "advance"),
        ("switches", {"gravity": "off"}, "gravity"),
        ("switches", {"tax_rounding": "never"}, "tax_rounding"),
        ("accounts", {"name": ""}, "name"),
        ("disconnect", {"account": "acct_x"}, "account"),
    ],
)
def test_bad_input_names_the_field(scene: scenes.Scene, path: str, body: Any, word: str) -> None:
    """400, with a sentence that names what is wrong."""
    status, answer = post(scene, path, body)
    assert status == 400
    assert word in answer["error"]


def test_switches_are_turned_together_or_not_at_all(scene: scenes.Scene) -> None:
    """One impossible position leaves the others where they were."""
    assert post(scene, "switches", {"tax_rounding": "invoice"})[1]["tax_rounding"] == "invoice"
    assert post(scene, "switches", {"token_fields": "absent", "tax_rounding": "never"})[0] == 400
    assert get(scene, "switches")["token_fields"] == "present"
    assert scene.fake.world.switches.tax_rounding == "invoice"


def test_the_clock_moves_what_is_created(scene: scenes.Scene) -> None:
    """Advancing moves FakeStripe's time, and with it `created`."""
    before = get(scene, "clock")["now"]
    assert post(scene, "clock", {"advance": 86400})[1]["now"] >= before + 86400
    made = scene.client.v1.customers.create({"name": "Ada"}, {"stripe_account": scene.one})
    assert made.created >= before + 86400


def test_webhooks_are_held_doubled_dropped_turned_and_resent(scene: scenes.Scene) -> None:
    """Each control does over HTTP what it does in Python."""
    post(scene, "webhooks", {"do": "hold"})
    for name in ("a", "b", "c"):
        scene.client.v1.customers.create({"name": name}, {"stripe_account": scene.one})
    assert post(scene, "webhooks", {"do": "deliver"})[1]["held"] is True
    assert scene.received == []
    for body in ({"do": "reorder"}, {"do": "drop", "times": 1}, {"do": "duplicate"}, {"do": "release"}):
        assert post(scene, "webhooks", body)[0] == 200
    post(scene, "webhooks", {"do": "deliver"})
    arrived = [event.data.object["name"] for event in scene.events()]
    assert arrived == ["b", "a", "b"]
    post(scene, "webhooks", {"do": "resend", "event": scene.events()[1].id})
    post(scene, "webhooks", {"do": "deliver"})
    assert scene.events()[-1].data.object["name"] == "a"


def test_state_shows_objects_and_hides_secrets(scene: scenes.Scene) -> None:
    """Each account's objects are there; signing secrets and client secrets are not."""
    invoice = scene.open_invoice(scene.one)
    state = get(scene, "state")
    assert state[scene.one]["objects"]["invoice"][0]["id"] == invoice.id
    assert state[scene.one]["connected"] is True
    assert not state[scene.two]["objects"].get("invoice")
    assert scene.secret not in str(state)
    intent = next(iter(scene.fake.world.store(scene.one)["payment_intent"].values()))
    assert intent["client_secret"] not in str(state)


def test_a_business_is_added_and_disconnects(scene: scenes.Scene) -> None:
    """What people do in Stripe's dashboard can be done over HTTP."""
    _, made = post(scene, "accounts", {"name": "Kirkja ehf.", "country": "IS", "currency": "isk"})
    assert (made["country"], made["default_currency"]) == ("IS", "isk")
    scenes.connect(scene.fake, made["id"])
    assert post(scene, "disconnect", {"account": made["id"]})[0] == 200
    scene.fake.deliver()
    assert scene.events()[-1].type == "account.application.deauthorized"


def test_fake_stripe_serves_this_machine_only_unless_told() -> None:
    """Another address needs public=True, said in words."""
    with pytest.raises(ValueError, match="public=True"):
        FakeStripe().serve("0.0.0.0")


def test_pages_of_a_served_fake_stripe_point_at_its_own_port() -> None:
    """Hosted addresses are right on a free port, and stay as given when a base_url was given."""
    scene = scenes.play()
    with scene.fake.serve() as server:
        url = str(scene.open_invoice(scene.one).hosted_invoice_url)
        assert url.startswith(server.url)
        assert "Harbour Physio" in requests.get(url, timeout=10).text
    fixed = FakeStripe(base_url="http://127.0.0.1:5/")
    with fixed.serve():
        assert fixed.world.base_url == "http://127.0.0.1:5"


class Stop(threading.Event):
    """Ends `serve.main` once it waits; what is to be looked at while it serves is looked at here."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Any = None
        self.url = ""

    def wait(self, timeout: float | None = None) -> bool:
        """Look at the running FakeStripe, then press Ctrl-C."""
        self.state = requests.get(f"{self.url}/_fake/state", timeout=10).json()
        raise KeyboardInterrupt


def test_the_command_prints_one_block_and_ends_on_ctrl_c(capsys: pytest.CaptureFixture[str], free_port: int) -> None:
    """It says where it is, that it is not Stripe, the accounts and the endpoint; a given secret is not printed."""
    stop = Stop()
    stop.url = f"http://127.0.0.1:{free_port}"
    serve.main(
        "127.0.0.1",
        free_port,
        endpoint_url="http://127.0.0.1:5000/webhook",
        endpoint_secret="whsec_known",
        accounts=[("Harbour Physio", "NL", "eur"), ("Kirkja ehf.", "IS", "isk")],
        events=["invoice.paid"],
        stop=stop,
    )
    printed = capsys.readouterr().out
    for words in (stop.url, "This is not Stripe", "Harbour Physio (NL, EUR)", "http://127.0.0.1:5000/webhook"):
        assert words in printed
    assert "whsec_known" not in printed
    assert "FakeStripe stops" in printed
    names = {each["account"]["business_profile"]["name"] for each in stop.state.values() if not each["platform"]}
    assert names == {"Harbour Physio", "Kirkja ehf."}
    with pytest.raises(requests.ConnectionError):
        requests.get(stop.url, timeout=1)


def test_a_new_endpoint_secret_is_printed(capsys: pytest.CaptureFixture[str], free_port: int) -> None:
    """Without a given secret the one that was made is shown, since nothing else ever shows it."""
    stop = Stop()
    stop.url = f"http://127.0.0.1:{free_port}"
    serve.main("127.0.0.1", free_port, endpoint_url="http://127.0.0.1:5000/webhook", stop=stop)
    assert "whsec_" in capsys.readouterr().out
    assert "whsec_" not in str(stop.state)


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
