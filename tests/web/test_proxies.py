"""The examples in deploy/proxy/, run by a real nginx and a real Caddy: the pages below a path of a host."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import uvicorn

from digest import cli
from digest.config.events import EventsSettings
from digest.notices.new_link import LinkNotices
from digest.store.engine import reading
from digest.web.app import make_app
from digest.web.server import LimitedProtocol
from subscribers import store as people
from tests.house import House
from tests.programs import needed
from tests.transports.webhook import Signer, body_of

SIGNER = Signer()
PROXY = Path(cli.__file__).parents[1] / "deploy" / "proxy"
# As root, because the folders of tests are closed to the account that nginx takes by itself.
NGINX = """
user root;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""
pytestmark = pytest.mark.servers


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def nginx(folder: Path, own: int, behind: int, *, strips: bool) -> list[str]:
    """Write the example without its certificate, and return the command that serves it."""
    lines = (PROXY / "nginx-below-a-path.conf").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "ssl_certificate" not in line and "[::]" not in line]
    text = "\n".join(kept).replace("listen 443 ssl", f"listen 127.0.0.1:{own}")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
    text = text.replace("/var/log/nginx/council-error.log", f"{folder}/site.log").replace(
        "/var/www/council", str(folder)
    )
    # Without waiting between the requests of this test.
    text = text.replace("rate=2r/s", "rate=900r/s")
    if strips:
        text = text.replace(f"proxy_pass http://127.0.0.1:{behind};", f"proxy_pass http://127.0.0.1:{behind}/;", 1)
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, servers=text), encoding="utf-8")
    command = [needed("nginx"), "-p", str(folder), "-c", str(config)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    return command


def caddy(folder: Path, own: int, behind: int, *, strips: bool) -> list[str]:
    """Write the example as plain HTTP, and return the command that serves it."""
    text = (PROXY / "Caddyfile-below-a-path").read_text(encoding="utf-8")
    text = text.replace("council.example {", f"http://council.example:{own} {{", 1)
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
    text = text.replace("/var/www/council", str(folder))
    if strips:
        text = text.replace("\thandle @digest {", "\thandle @digest {\n\t\turi strip_prefix /digest")
    config = folder / "Caddyfile"
    config.write_text("{\n\tadmin off\n}\n" + text, encoding="utf-8")
    return [needed("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("proxies") / "house")
    yield house
    house.close()


@contextmanager
def served(house: House) -> Iterator[int]:
    """Serve the house's pages, whose base_url has a path, on a port of this machine."""
    settings = house.settings
    settings = replace(
        settings,
        site=replace(settings.site, base_url="https://council.example/digest"),
        events=EventsSettings(keys=(SIGNER.public,)),
    )
    live = house.live(settings)
    app = make_app(live, LinkNotices(live))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http=LimitedProtocol, ws="none", lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextmanager
def proxied(house: House, write: Callable[..., list[str]], folder: Path, *, strips: bool) -> Iterator[httpx2.Client]:
    """Serve the house's pages through a proxy; yield a client of the proxy."""
    own = free_port()
    folder.chmod(0o755)
    (folder / "index.html").write_text("the council's own page")
    with served(house) as behind:
        process = subprocess.Popen(write(folder, own, behind, strips=strips), stderr=subprocess.DEVNULL)
        try:
            for _ in range(1000):
                with suppress(OSError), socket.create_connection(("127.0.0.1", own)):
                    break
                time.sleep(0.01)
            head = {"Host": "council.example"} if write is nginx else {"Host": f"council.example:{own}"}
            with httpx2.Client(base_url=f"http://127.0.0.1:{own}", headers=head, timeout=30) as client:
                yield client
        finally:
            process.terminate()
            process.wait()


@pytest.mark.parametrize("strips", [False, True], ids=["keeps the path", "strips the path"])
@pytest.mark.parametrize("write", [nginx, caddy])
def test_pages_below_a_path_are_served(
    house: House, write: Callable[..., list[str]], strips: bool, tmp_path: Path
) -> None:
    reader = house.reader(f"{write.__name__}-{strips}@example.org")
    token, yours = house.token("unsubscribe", reader), house.token("preferences", reader)
    with proxied(house, write, tmp_path, strips=strips) as client:
        page = client.get(f"/digest/unsubscribe/{token}")
        assert page.status_code == 200 and "<form" in page.text
        assert client.get(f"/digest/yours/{yours}").status_code == 200
        stuck = client.get(f"/digest/unsubscribe/{token}%3E)")
        assert (stuck.status_code, stuck.headers["location"]) == (302, f"/digest/unsubscribe/{token}")
        assert client.get("/digest/healthz").json() == {"ok": True}
        assert client.get("/digest/join").status_code == client.get("/digest/archive").status_code == 200
        assert client.get("/index.html").text == "the council's own page"
        assert client.get(f"/unsubscribe/{token}").status_code == 404
        assert "Disallow" in client.get("/robots.txt").text
        assert client.get("/digest", follow_redirects=False).status_code in (200, 302)
        body = body_of()
        head = SIGNER.headers(body, house.now)
        assert client.post("/digest/hooks/sendgrid", content=body, headers=head).is_success
        assert client.post("/digest/hooks/sendgrid", content=body).status_code >= 400  # without a signature
        large = client.post(f"/digest/unsubscribe/{token}", content=b"x" * 300_000)
        assert large.status_code in (413, 502)  # Caddy 2.6 tells the limit of a body that it passes on as 502
        assert state(house, reader) == "active"
        left = client.post(f"/digest/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
        assert left.status_code == 200 and state(house, reader) == "left"


def state(house: House, reader: int) -> str:
    with reading(house.place.engine) as conn:
        person = people.get(conn, reader)
    assert person is not None
    return person.state
