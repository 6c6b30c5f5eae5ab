"""Somebody gets a policy from elsewhere: from the web or a registry, looks at it, and
has it rule when it has proved itself in shadow."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from approvers import built, drop
from world import World

MEBIBYTE = 1 << 20
COMPONENT = "application/wasm"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Answer:
    """What the server says to a path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] | None = None


@contextlib.contextmanager
def serving(answers: Callable[[str], Answer], login: str = "") -> Iterator[str]:
    """A web server on this machine, for everybody or for one login; gives its address and port."""
    wanted = f"Basic {b64encode(login.encode()).decode()}" if login else None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = wanted in (None, self.headers["Authorization"])
            challenge = {"WWW-Authenticate": 'Basic realm="team"'}
            answer = answers(self.path) if known else Answer(status=401, headers=challenge)
            self.send_response(answer.status)
            headers = {"Content-Length": str(len(answer.body)), **(answer.headers or {})}
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def component() -> bytes:
    return built("approver-git-push")


def nothing_was_added(world: World) -> bool:
    return list(world.plugins_dir.glob("*.wasm")) == []


def test_a_component_from_the_web_is_added_if_it_is_the_one_that_was_meant(world: World, component: bytes) -> None:
    def answers(path: str) -> Answer:
        if path == "/moved":
            return Answer(status=302, headers={"Location": "/no-push.wasm"})
        return Answer(component) if path == "/no-push.wasm" else Answer(status=404)

    with serving(answers) as server:
        url = f"http://{server}/no-push.wasm"
        unpinned = world.quarterdeck("plugin", "add", url)
        assert unpinned.returncode == 1 and "--sha256" in unpinned.stderr

        other = world.quarterdeck("plugin", "add", url, "--sha256", "0" * 64)
        assert other.returncode == 1 and digest(component) in other.stderr

        missing = world.quarterdeck("plugin", "add", f"http://{server}/gone.wasm", "--sha256", digest(component))
        assert missing.returncode == 1 and "404" in missing.stderr
        assert nothing_was_added(world)

        added = world.quarterdeck("plugin", "add", url, "--sha256", digest(component))
        assert added.returncode == 0, added
        assert (world.plugins_dir / "no-push.wasm").read_bytes() == component

        moved = world.quarterdeck(
            "plugin", "add", f"http://{server}/moved", "--sha256", digest(component), "--name", "moved"
        )
        assert moved.returncode == 0, moved
        assert (world.plugins_dir / "moved.wasm").read_bytes() == component


def test_what_the_web_may_not_do(world: World) -> None:
    def answers(path: str) -> Answer:
        return {
            # More than it may be, announced, and not announced.
            "/announced": Answer(headers={"Content-Length": str(65 * MEBIBYTE)}),
            "/silent": Answer(bytes(65 * MEBIBYTE), headers={"Content-Length": "", "Connection": "close"}),
            "/away": Answer(status=302, headers={"Location": "http://example.invalid/x.wasm"}),
            "/round": Answer(status=302, headers={"Location": "/round"}),
        }[path]

    def refused(url: str) -> str:
        done = world.quarterdeck("plugin", "add", url, "--sha256", "0" * 64, "--name", "guest")
        assert done.returncode == 1 and "panicked" not in done.stderr, done
        return done.stderr

    with serving(answers) as server:
        assert "larger than" in refused(f"http://{server}/announced")
        assert "larger than" in refused(f"http://{server}/silent")
        assert "open line" in refused(f"http://{server}/away")
        assert "without end" in refused(f"http://{server}/round")
    assert "fetching" in refused(f"http://{server}/nobody-listens-any-more")
    assert "open line" in refused("http://example.invalid/x.wasm")
    assert nothing_was_added(world)


class Registry:
    """As much of an OCI registry as pulling takes."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}

    def push(self, tag: str, content: bytes, media_type: str = COMPONENT) -> str:
        """Puts a component under a tag, and gives the manifest's digest."""
        config = b"{}"

        def described(blob: bytes, media_type: str) -> dict[str, object]:
            self.blobs[f"sha256:{digest(blob)}"] = blob
            return {"mediaType": media_type, "digest": f"sha256:{digest(blob)}", "size": len(blob)}

        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described(config, "application/vnd.wasm.config.v0+json"),
                "layers": [described(content, media_type)],
            }
        ).encode()
        name = f"sha256:{digest(manifest)}"
        self.manifests[tag] = self.manifests[name] = manifest
        return name

    def answer(self, path: str) -> Answer:
        if path == "/v2/":
            return Answer(b"{}")
        repository, _, last = path.rpartition("/")
        if repository == "/v2/team/no-push/manifests" and last in self.manifests:
            manifest = self.manifests[last]
            headers = {"Content-Type": MANIFEST, "Docker-Content-Digest": f"sha256:{digest(manifest)}"}
            return Answer(manifest, headers=headers)
        if repository == "/v2/team/no-push/blobs" and last in self.blobs:
            return Answer(self.blobs[last])
        unknown = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "there is none", "detail": None}]}
        return Answer(json.dumps(unknown).encode(), status=404)


def test_a_component_from_a_registry(world: World, component: bytes) -> None:
    registry = Registry()
    manifest = registry.push("1.0", component)
    with serving(registry.answer) as server:
        repository = f"{server}/team/no-push"
        for reference in (f"oci://{repository}:1.0", f"{repository}@{manifest}"):
            added = world.quarterdeck("plugin", "add", reference)
            assert added.returncode == 0, added
            path = world.plugins_dir / "no-push.wasm"
            assert path.read_bytes() == component
            path.unlink()

        absent = world.quarterdeck("plugin", "add", f"oci://{repository}:2.0")
        assert absent.returncode == 1 and "2.0" in absent.stderr and f"docker login {server}" in absent.stderr
        other = world.quarterdeck("plugin", "add", f"oci://{repository}:1.0", "--sha256", "0" * 64)
        assert other.returncode == 1 and digest(component) in other.stderr
        registry.push("notes", b"read me", media_type="text/plain")
        notes = world.quarterdeck("plugin", "add", f"oci://{repository}:notes")
        assert notes.returncode == 1 and "application/wasm" in notes.stderr
    assert nothing_was_added(world)


def test_a_registry_that_asks_for_a_password_gets_docker_s_login(world: World, component: bytes) -> None:
    registry = Registry()
    registry.push("1.0", component)
    with serving(registry.answer, login="me:secret") as server:
        reference = f"oci://{server}/team/no-push:1.0"
        stranger = world.quarterdeck("plugin", "add", reference)
        assert stranger.returncode == 1 and f"docker login {server}" in stranger.stderr

        docker = world.home / ".docker"
        docker.mkdir()
        for said, status in (("me:wrong", 1), ("me:secret", 0)):
            login = {"auths": {server: {"auth": b64encode(said.encode()).decode()}}}
            (docker / "config.json").write_text(json.dumps(login))
            added = world.quarterdeck("plugin", "add", reference)
            assert added.returncode == status and "secret" not in added.stderr, added
    assert (world.plugins_dir / "no-push.wasm").read_bytes() == component


def test_a_registry_that_swaps_contents_is_found_out(world: World, component: bytes) -> None:
    registry = Registry()
    manifest = registry.push("1.0", component)
    registry.blobs[f"sha256:{digest(component)}"] = component[:-1] + b"x"
    with serving(registry.answer) as server:
        swapped = world.quarterdeck("plugin", "add", f"oci://{server}/team/no-push:1.0")
        assert swapped.returncode == 1, swapped

        registry.push("1.0", component)
        registry.manifests[manifest] += b" "
        swapped = world.quarterdeck("plugin", "add", f"oci://{server}/team/no-push@{manifest}")
        assert swapped.returncode == 1, swapped
    assert nothing_was_added(world)


def test_a_policy_is_looked_at_before_and_after_it_is_installed(world: World, component: bytes) -> None:
    path = world.root / "no-push.wasm"
    path.write_bytes(component)
    path.with_suffix(".toml").write_text("instances = 'reused'\n[limits]\ndeadline-ms = 17\n")
    looked = world.quarterdeck("plugin", "inspect", str(path))
    assert looked.returncode == 0, looked
    for told in (
        "approver of quarterdeck:policy@0.1.0",
        digest(component),
        f"{len(component)} bytes",
        "quarterdeck:policy/approve@0.1.0",
        "17 ms",
        "reused",
    ):
        assert told in looked.stdout, told

    world.serve()
    bundled = world.quarterdeck("plugin", "inspect", "safety-tiers")
    assert bundled.returncode == 0 and "bundled" in bundled.stdout and "generation 1" in bundled.stdout, bundled
    told = json.loads(world.quarterdeck("plugin", "inspect", "safety-tiers", "--json").stdout)
    assert told["component"]["digest"] == told["policy"]["digest"]

    broken = world.root / "broken.wasm"
    broken.write_bytes(b"no component")
    looked = world.quarterdeck("plugin", "inspect", str(broken))
    assert looked.returncode == 0 and "it is no policy" in looked.stdout and "this is text" in looked.stdout
    nobody = world.quarterdeck("plugin", "inspect", "nobody")
    assert nobody.returncode == 1 and "no policy nobody" in nobody.stderr


def test_a_policy_that_proved_itself_in_shadow_is_promoted(world: World, component: bytes) -> None:
    drop(world, "no-push", component, '# tried since May\nmode = "shadow" # not yet\norder = 2\n')
    push = ("check", "git push origin main", "--json")
    assert json.loads(world.quarterdeck(*push).stdout)["tier"] == "review"

    promoted = world.quarterdeck("plugin", "promote", "no-push")
    assert promoted.returncode == 0, promoted
    assert json.loads(world.quarterdeck(*push).stdout)["tier"] == "dangerous"
    sidecar = (world.plugins_dir / "no-push.toml").read_text()
    assert sidecar == '# tried since May\nmode = "ruling" # not yet\norder = 2\n'

    for name in ("no-push", "safety-tiers"):
        again = world.quarterdeck("plugin", "promote", name)
        assert again.returncode == 1 and "not in shadow" in again.stderr
