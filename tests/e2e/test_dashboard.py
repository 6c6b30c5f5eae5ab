"""The dashboard in a real browser: a person looks over agents' shoulders, types, and
says yes or no."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright, expect

from agent import agent_on_http
from waiting import until
from world import ServingHost, World

pytestmark = pytest.mark.anyio

# A browser beside other stories takes its time.
expect.set_options(timeout=20_000)

ASKS_FIRST = "npm publish"
"""A command that a person has to approve."""


@pytest.fixture
def host(world: World) -> ServingHost:
    return world.serve()


@dataclass
class Person:
    """Somebody in front of a browser."""

    page: Page
    host: ServingHost
    complaints: list[str] = field(default_factory=list)
    bytes_loaded: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.host.port}/"

    async def sign_in(self) -> None:
        await self.page.goto(self.address)
        await self.page.get_by_label("Token").fill(self.host.token)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_text("connected", exact=True)).to_be_visible()

    async def choose(self, session: str) -> None:
        await self.page.locator(f'#sessions button[data-key="{session}"]').click()
        await expect(self.page.get_by_role("heading", name=re.compile(f"Screen of .*{session}"))).to_be_visible()

    @property
    def screen(self):
        return self.page.locator("#screen")


@pytest.fixture
async def person(host: ServingHost) -> AsyncIterator[Person]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: `tests/run prepare` installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1440, "height": 1000})
        person = Person(page, host)
        page.on("console", lambda said: person.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: person.complaints.append(str(error)))
        page.on("dialog", lambda dialog: person.complaints.append(f"dialog: {dialog.message}"))

        async def weigh(response) -> None:
            person.bytes_loaded += int(response.headers.get("content-length", 0))

        page.on("response", weigh)
        yield person
        await browser.close()


@pytest.fixture(scope="session")
def pictures(target_dir: Path) -> Path:
    """Where pictures of the page are kept, for people to look at."""
    folder = target_dir / "dashboard"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_a_person_signs_in_once_and_out_again(person: Person) -> None:
    page = person.page
    await page.goto(person.address)
    await page.get_by_label("Token").fill("wrong-token-wrong-token")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("This is not the token.")
    person.complaints.clear()  # the browser calls a refused sign-in an error

    await person.sign_in()
    await page.reload()
    await expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
    [cookie] = await page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert person.host.token not in cookie["value"] + await page.content()
    assert await page.evaluate("document.cookie") == ""

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Token")).to_be_visible()
    assert not person.complaints


async def test_the_screen_follows_an_agent_in_its_colours(person: Person, host: ServingHost) -> None:
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session(name="painter")
        await agent.at_prompt(session)
        await person.choose(session)
        await agent.run(r"printf '\033[1;38;2;255;0;0mall red\033[0m \xe6\x97\xa5\xe6\x9c\xac\n'", sessionId=session)
        red = person.screen.get_by_text("all red", exact=True)
        await expect(red).to_be_visible()
        await expect(red).to_have_css("color", "rgb(255, 0, 0)")
        await expect(red).to_have_css("font-weight", "700")
        await expect(person.screen).to_contain_text("日本")
        await agent.type(session, "echo half a li")
        await expect(person.screen).to_contain_text("echo half a li")
    assert not person.complaints


async def test_a_person_types_through_the_gate(person: Person, host: ServingHost) -> None:
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        await person.choose(session)
        await person.screen.click()
        await person.page.keyboard.type("echo typ")
        await person.page.keyboard.press("Backspace")
        await person.page.keyboard.type("ped by hand")
        await person.page.keyboard.press("Enter")
        await agent.wait_for(session, pattern=r"^typed by hand")
        await expect(person.page.get_by_role("log")).to_contain_text(re.compile("echo typed by hand.*caller human"))

        # What an agent may not, a person's finger may not either.
        await agent.at_prompt(session)
        await person.page.get_by_label("Type a line").fill("rm -rf ~")
        await person.page.get_by_role("button", name="Send").click()
        await expect(person.page.locator("#refusal")).to_contain_text("refused")
        assert host.world.victim.exists() and host.world.ran("rm") == []

        # The keyboard is not caught: Control and ] leaves the screen.
        await person.screen.focus()
        await person.page.keyboard.press("Control+]")
        await expect(person.page.get_by_label("Type a line")).to_be_focused()
    assert not person.complaints


async def test_keys_arrive_as_a_terminal_sends_them(person: Person, host: ServingHost) -> None:
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session(columns=120)
        await agent.at_prompt(session)
        await person.choose(session)
        await agent.type(session, "cat -v", enter=True)

        async def entered() -> bool:
            return "cat -v" in await agent.screen(session)

        await until("cat reads", entered)
        await person.screen.click()
        for press, shown in {
            "Shift+ArrowUp": "^[[1;2A",
            "Control+ArrowLeft": "^[[1;5D",
            "Alt+ArrowDown": "^[[1;3B",
            "Control+Shift+End": "^[[1;6F",
            "Control+Delete": "^[[3;5~",
            "Shift+F5": "^[[15;2~",
            "Alt+.": "^[.",
            "Alt+x": "^[x",
        }.items():
            await person.page.keyboard.press(press)
            await expect(person.screen).to_contain_text(shown)
            assert await person.page.locator("#refusal").inner_text() == "", press
            await person.page.keyboard.press("Control+u")
    assert not person.complaints


async def test_text_that_no_key_has_is_typed(person: Person, host: ServingHost) -> None:
    """Input methods, dead keys and lists of emoji give text without a key of its own."""
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        await person.choose(session)
        await person.screen.click()
        await person.page.keyboard.type("echo ")
        await person.page.keyboard.insert_text("é😀")
        composing = await person.page.context.new_cdp_session(person.page)
        for so_far in ("n", "に", "にほん"):
            await composing.send("Input.imeSetComposition", {"text": so_far, "selectionStart": 1, "selectionEnd": 1})
        await expect(person.page.locator("#keyboard")).to_have_value("にほん")
        await expect(person.screen).not_to_contain_text("に")
        await composing.send("Input.insertText", {"text": "日本"})
        await person.page.keyboard.press("Enter")
        await agent.wait_for(session, pattern="^é😀日本$")

        # What is selected can still be copied, and typing goes on after that.
        await expect(person.screen.locator(".row", has_text="日本")).to_have_count(2)
        row = person.screen.locator(".row", has_text="echo é").first
        # A row that is drawn anew at this moment has no place.
        box = await until("the row has a place", row.bounding_box)
        await person.page.mouse.move(box["x"] + 1, box["y"] + 8)
        await person.page.mouse.down()
        await person.page.mouse.move(box["x"] + box["width"] - 10, box["y"] + 8, steps=4)
        await person.page.mouse.up()
        assert "echo" in await person.page.evaluate("getSelection().toString()")
        await person.page.keyboard.type("echo on")
        await expect(person.screen).to_contain_text("echo on")
    assert not person.complaints


async def test_a_persons_own_line_runs_once_they_approve_it(person: Person, host: ServingHost) -> None:
    host.world.stand_in("npm")
    await person.sign_in()
    waiting = person.page.get_by_role("region", name="Waiting for you")
    refusal = person.page.locator("#refusal")
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        await person.choose(session)
        line = person.page.get_by_label("Type a line")
        await line.fill(f"{ASKS_FIRST} --tag line")
        await line.press("Enter")
        await expect(refusal).to_contain_text("waits for your yes")
        await waiting.get_by_role("button", name=f"Approve {ASKS_FIRST} --tag line").click()
        await expect(waiting).to_be_hidden()
        await expect(refusal).to_have_text("")

        def ran(times: int):
            return lambda: len(host.world.ran("npm")) == times

        await until("the line has run", ran(1))

        # Typed key by key, and approved from the keyboard.
        await person.screen.click()
        await person.page.keyboard.type(f"{ASKS_FIRST} --tag keys")
        await person.page.keyboard.press("Enter")
        approve = waiting.get_by_role("button", name=f"Approve {ASKS_FIRST} --tag keys")
        await approve.focus()
        await person.page.keyboard.press("Enter")
        await until("it has run", ran(2))

        # Who has typed something else since does not mean the former line any more.
        await agent.at_prompt(session)
        await line.fill(f"{ASKS_FIRST} --tag late")
        await line.press("Enter")
        await expect(refusal).to_contain_text("waits for your yes")
        await line.fill("echo something else")
        await line.press("Enter")
        await agent.wait_for(session, pattern="^something else")
        await waiting.get_by_role("button", name=f"Approve {ASKS_FIRST} --tag late").click()
        await expect(waiting).to_be_hidden()
        await line.fill("echo then this")
        await line.press("Enter")
        await agent.wait_for(session, pattern="^then this")
        assert len(host.world.ran("npm")) == 2
    assert not person.complaints


async def test_who_answers_by_keyboard_goes_on_from_there(person: Person, host: ServingHost) -> None:
    host.world.stand_in("npm")
    await person.sign_in()
    waiting = person.page.get_by_role("region", name="Waiting for you")
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        for tag in ("one", "two"):
            asked = await agent.call("session_run", sessionId=session, command=f"{ASKS_FIRST} --tag {tag}")
            assert asked.code == "CONFIRMATION_REQUIRED", asked
        line = person.page.get_by_label("Type a line")
        await line.focus()
        await waiting.get_by_role("button", name=f"Deny {ASKS_FIRST} --tag one").focus()
        await person.page.keyboard.press("Enter")
        # Not on the next one's button, which the same key would press.
        await expect(waiting.get_by_role("heading")).to_be_focused()
        await person.page.keyboard.press("Tab")
        await expect(waiting.get_by_role("button", name=f"Approve {ASKS_FIRST} --tag two")).to_be_focused()
        await person.page.keyboard.press("Enter")
        await expect(waiting).to_be_hidden()
        await expect(line).to_be_focused()
    assert not person.complaints


async def test_a_waiting_command_is_approved_with_a_click_and_runs(person: Person, host: ServingHost) -> None:
    host.world.stand_in("npm")
    await person.sign_in()
    async with agent_on_http(host) as agent:
        assert (await agent.call("session_run", command=ASKS_FIRST)).code == "CONFIRMATION_REQUIRED"
        waiting = person.page.get_by_role("region", name="Waiting for you")
        await expect(waiting.get_by_text(ASKS_FIRST)).to_be_visible()
        await waiting.get_by_role("button", name=f"Approve {ASKS_FIRST}").click()
        await expect(waiting).to_be_hidden()
        assert (await agent.run(ASKS_FIRST))["exitStatus"] == 0
        assert len(host.world.ran("npm")) == 1

        assert (await agent.call("session_run", command=ASKS_FIRST)).code == "CONFIRMATION_REQUIRED"
        # By keyboard alone, and this time no.
        deny = waiting.get_by_role("button", name=f"Deny {ASKS_FIRST}")
        await deny.focus()
        await person.page.keyboard.press("Enter")
        await expect(waiting).to_be_hidden()
        assert (await agent.call("session_run", command=ASKS_FIRST)).code == "PERMISSION_DENIED"
        assert len(host.world.ran("npm")) == 1
    assert not person.complaints


async def test_a_yes_is_good_once_for_the_session_or_always(person: Person, host: ServingHost) -> None:
    host.world.stand_in("npm")
    await person.sign_in()
    waiting = person.page.get_by_role("region", name="Waiting for you")
    async with agent_on_http(host) as agent:
        first, second = await agent.open_session(), await agent.open_session()
        assert (await agent.call("session_run", command=ASKS_FIRST, sessionId=first)).code == "CONFIRMATION_REQUIRED"
        await waiting.get_by_role("button", name=f"Approve for this session {ASKS_FIRST}").click()
        await expect(waiting).to_be_hidden()
        for _ in range(2):
            assert (await agent.run(ASKS_FIRST, sessionId=first))["exitStatus"] == 0
        assert (await agent.call("session_run", command=ASKS_FIRST, sessionId=second)).code == "CONFIRMATION_REQUIRED"
        await waiting.get_by_role("button", name=f"Approve always {ASKS_FIRST}").click()
        await expect(waiting).to_be_hidden()
        for _ in range(2):
            assert (await agent.run(ASKS_FIRST, sessionId=second))["exitStatus"] == 0
        # Before there is a session, there is none to allow anything for.
        asked = await agent.call("session_create", command=f"{ASKS_FIRST} --tag next")
        assert asked.code == "CONFIRMATION_REQUIRED", asked
        await expect(waiting.get_by_role("button", name=f"Approve always {ASKS_FIRST} --tag next")).to_be_visible()
        await expect(waiting.get_by_role("button", name="Approve for this session")).to_have_count(0)
    assert not person.complaints


async def test_a_person_is_told_who_asks_and_where(person: Person, host: ServingHost) -> None:
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session(name="release")
        folder = (await agent.run("pwd", sessionId=session))["output"].strip()
        assert (await agent.call("session_run", command=ASKS_FIRST, sessionId=session)).is_error
        waiting = person.page.get_by_role("region", name="Waiting for you")
        await expect(waiting).to_contain_text(f"In release ({session}) · {folder} · asked by")
        # Also in a tab that nobody looks at.
        await expect(person.page).to_have_title("(1) Quarterdeck")
        await waiting.get_by_role("button", name=f"Deny {ASKS_FIRST}").click()
        await expect(person.page).to_have_title("Quarterdeck")
    assert not person.complaints


async def test_a_person_sees_what_runs_and_not_what_looks_like_it(person: Person, host: ServingHost) -> None:
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        for number in range(4):
            question = await agent.call("session_run", sessionId=session, command=f"{ASKS_FIRST} --tag b{number}")
            assert question.code == "CONFIRMATION_REQUIRED", question
        disguised = f"{ASKS_FIRST} # \u202eelif eht nepo\u200b"
        assert (await agent.call("session_run", sessionId=session, command=disguised)).code == "CONFIRMATION_REQUIRED"
        waiting = person.page.get_by_role("region", name="Waiting for you")
        last = waiting.get_by_text(f"{ASKS_FIRST} # \\u{{202e}}elif eht nepo\\u{{200b}}", exact=True)
        await expect(last).to_be_visible()
        commands = await waiting.locator("pre").all_inner_texts()
        assert [command[-2:] for command in commands[:4]] == ["b0", "b1", "b2", "b3"], "in the order of asking"


async def test_the_cursor_is_in_sight_in_a_small_window(person: Person, host: ServingHost) -> None:
    await person.page.set_viewport_size({"width": 500, "height": 400})
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session(name="long", columns=80, rows=40)
        await agent.run("seq 1 100", sessionId=session)
        await person.choose(session)
        cursor = person.screen.locator(".cursor")
        await expect(cursor).to_be_visible()
        frame, at = await person.screen.bounding_box(), await cursor.bounding_box()
        assert frame["y"] <= at["y"] and at["y"] + at["height"] <= frame["y"] + frame["height"], (frame, at)

        # Rows that stay as they are keep what a person has selected in them.
        row = person.screen.get_by_text("100", exact=True)
        await row.select_text()
        await agent.run("echo more", sessionId=session)
        await expect(person.screen).to_contain_text("more")
        assert (await person.page.evaluate("getSelection().toString()")).strip() == "100"
    assert not person.complaints


async def test_measurements_do_not_crowd_out_what_happened(person: Person, host: ServingHost) -> None:
    async with agent_on_http(host) as agent:
        await agent.run("echo before anybody looked")
        await person.sign_in()
        log = person.page.get_by_role("log")
        await expect(log).to_contain_text("echo before anybody looked")
        only = person.page.get_by_label("Only")
        await only.fill("performance.*")
        await expect(log).to_contain_text("performance.update")
        await only.fill("")
        await expect(log).to_contain_text("gate.verdict")
        await expect(log).not_to_contain_text("performance.update")
    assert not person.complaints


async def test_what_programs_print_stays_text(person: Person, host: ServingHost) -> None:
    attack = "<img src=x onerror=\"alert('got you')\"><script>alert(1)</script>"
    await person.sign_in()
    async with agent_on_http(host) as agent:
        session = await agent.open_session(name=attack, tags=[attack])
        await agent.at_prompt(session)
        await person.choose(session)
        await agent.run(f"cat <<'END'\n{attack}\nEND", sessionId=session)
        await agent.run(r"printf '\033]0;<script>alert(2)</script>\007'", sessionId=session)
        await agent.call("session_run", command=f"npm publish '{attack}'", sessionId=session)
        await expect(person.screen).to_contain_text(attack)
        await expect(person.page.locator("#sessions")).to_contain_text(attack)
        await expect(person.page.locator("#waiting-list")).to_contain_text(attack)
        await expect(person.page.get_by_role("log")).to_contain_text("onerror")
        assert await person.page.locator("img, main script").count() == 0
    assert not person.complaints


async def test_it_fits_and_reads_well_everywhere(person: Person, host: ServingHost, pictures: Path) -> None:
    await person.sign_in()
    weight = person.bytes_loaded
    assert 1_000 < weight < 100_000, f"{weight} bytes"
    async with agent_on_http(host) as agent:
        session = await agent.open_session(name="build")
        await agent.at_prompt(session)
        await person.choose(session)
        await agent.run(
            "ls --color=always / && for i in 1 2 3 4 5 6 7; do printf '\\e[3%dmcolour %d\\e[0m ' $i $i; done"
        )
        await agent.run("ls --color=always /", sessionId=session)
        await agent.call("session_run", command=ASKS_FIRST)
        await expect(person.page.locator("#waiting")).to_be_visible()

        def points():
            return person.page.locator("svg.plot polyline").first.get_attribute("points")

        async def drawn() -> bool:
            return len((await points() or "").split()) >= 3

        await until("the plots show data", drawn)
        for scheme in ("light", "dark"):
            await person.page.emulate_media(color_scheme=scheme)
            for width in (360, 1440):
                await person.page.set_viewport_size({"width": width, "height": 1000})
                overflow = await person.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert overflow <= 0, f"{overflow} px too wide at {width} px"
                await person.page.screenshot(path=pictures / f"{scheme}-{width}.png", full_page=True)
                found = (await Axe().run(person.page)).response["violations"]
                grave = [it for it in found if it["impact"] in ("serious", "critical")]
                assert not grave, [(it["id"], [node["html"] for node in it["nodes"]][:3]) for it in grave]
    assert not person.complaints


async def test_a_person_opens_and_closes_a_session(person: Person) -> None:
    await person.sign_in()
    await person.page.get_by_role("button", name="Open a session").click()
    await expect(person.page.locator("#sessions li")).to_have_count(1)
    await expect(person.screen).to_contain_text(re.compile(r"[$#%]"))
    await person.page.get_by_role("button", name="Close session").click()
    # It asks before what runs there is ended.
    await expect(person.page.locator("#sessions li")).to_have_count(1)
    await person.page.get_by_role("button", name="Really close it").click()
    await expect(person.page.locator("#sessions li")).to_have_count(0)

    # What cannot be typed is said, and not lost.
    line = person.page.get_by_label("Type a line")
    await line.fill("echo too late")
    await line.press("Enter")
    await expect(person.page.locator("#refusal")).to_contain_text("no session is open")
    await expect(line).to_have_value("echo too late")
    assert not person.complaints


async def test_it_finds_a_host_that_was_started_again(person: Person) -> None:
    await person.sign_in()
    person.host.stop()
    await expect(person.page.get_by_role("status")).to_contain_text("not connected")
    world = person.host.world
    person.host = world.serve(port=person.host.port)
    # Who is signed in stays so, and what they press still counts.
    await expect(person.page.get_by_role("status")).to_have_text("connected")
    await person.page.get_by_role("button", name="Open a session").click()
    await expect(person.page.locator("#sessions li")).to_have_count(1)
    person.complaints.clear()  # the browser calls a host that is away an error

    # What is kept for that signs nobody else in, and nobody after signing out.
    [kept] = await person.page.context.cookies()
    file = world.state_dir / "sign-ins.json"
    assert file.stat().st_mode & 0o777 == 0o600 and kept["value"] not in file.read_text()
    await person.page.get_by_role("button", name="Sign out").click()
    await expect(person.page.get_by_label("Token")).to_be_visible()
    person.host.stop()
    world.serve(port=person.host.port)
    await person.page.context.add_cookies([kept])
    await person.page.goto(person.address)
    await expect(person.page.get_by_label("Token")).to_be_visible()


# What is not a browser of the person.


@contextmanager
def signed_in(host: ServingHost) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"http://127.0.0.1:{host.port}") as http:
        answer = http.post("/sign-in", data={"token": host.token})
        assert answer.status_code == 303, answer.text
        yield http


def test_nothing_is_shown_to_who_is_not_signed_in(host: ServingHost) -> None:
    with httpx2.Client(base_url=f"http://127.0.0.1:{host.port}") as http:
        assert "Sign in" in http.get("/").text
        assert http.get("/dashboard/state").status_code == 401
        assert http.post("/dashboard/sessions").status_code == 401
        assert http.get("/dashboard/screen/abcdefgh").status_code == 401
        policy = http.get("/").headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy


def test_another_page_cannot_act_for_the_person(host: ServingHost) -> None:
    with signed_in(host) as http:
        assert http.get("/dashboard/state").status_code == 200
        csrf = re.search(r'name="csrf" content="(\w+)"', http.get("/").text)[1]
        assert http.post("/dashboard/sessions").status_code == 403
        assert http.post("/dashboard/sessions", headers={"X-CSRF-Token": "0" * 64}).status_code == 403
        foreign = {"X-CSRF-Token": csrf, "Origin": "http://localhost:8080"}
        assert http.post("/dashboard/sessions", headers=foreign).status_code == 403
        assert http.post("/dashboard/sessions", headers={"X-CSRF-Token": csrf}).status_code == 200


async def test_an_agent_cannot_sign_in_to_approve_its_own_command(world: World) -> None:
    """From inside a session, with the token in its hands and nothing judged."""
    world.configure('[gate]\nmode = "off"\n')
    host = world.serve()
    attempt = f"curl -s -o /dev/null -w '%{{http_code}}' --data-urlencode token={host.token} http://127.0.0.1:{host.port}/sign-in"
    async with agent_on_http(host) as agent:
        inside = await agent.run(attempt)
        assert inside["output"].strip() == "403", inside
        daemon = await agent.run(f"(setsid {attempt} > status &) ; until grep -qs . status; do :; done; cat status")
        assert daemon["output"].strip() == "403", daemon
    with signed_in(host):
        pass
