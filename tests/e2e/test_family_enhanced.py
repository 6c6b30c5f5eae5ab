"""The tools that the enhanced-iterm-mcp document's examples call and never define."""

from __future__ import annotations

from agent import agent_on_http
from approvers import allow
from waiting import until
from world import World

TOOLS = "native,enhanced"


async def test_a_command_its_output_and_its_log(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session(name="builder")
        ran = await agent.do("command_execute", sessionId=session, command="echo one; echo two; (exit 4)")
        assert (ran["success"], ran["exitStatus"], ran["output"]) == (False, 4, "one\ntwo\n")
        assert (await agent.do("command_execute", command="true"))["success"], "a session of its own"

        output = await agent.do("session_output", sessionId=session, lines=2)
        assert output["output"].startswith("two\n")
        await agent.do("command_execute", sessionId=session, command="echo three")
        new = await agent.do("session_output", sessionId=session, cursor=output["cursor"])
        assert "three" in new["output"] and "two" not in new["output"]

        refused = await agent.call("command_execute", sessionId=session, command="rm -rf ~")
        assert refused.code == "PERMISSION_DENIED"
        assert world.victim.exists()
        await agent.do("session_close", sessionId=session)
        logs = (await agent.do("session_logs", sessionId=session))["logs"]
        told = [(one["event"], one["command"], one.get("exitStatus")) for one in logs]
        assert told == [
            ("allowed", "echo one; echo two; (exit 4)", None),
            ("ended", "echo one; echo two; (exit 4)", 4),
            ("allowed", "echo three", None),
            ("ended", "echo three", 0),
            ("refused", "rm -rf ~", None),
        ]
        assert "home folder" in logs[-1]["reason"]
        assert (await agent.call("session_logs", sessionId="nobody00")).code == "SESSION_NOT_FOUND"


async def test_output_that_is_cut_is_read_on(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        ran = await agent.call("command_execute", command="seq 1 5000")
        session, output = ran.content["sessionId"], ran.content["output"]
        assert ran.content["truncated"] and "session_output" in ran.text
        cursor, more = ran.content["cursor"], True
        while more:
            read = await agent.do("session_output", sessionId=session, cursor=cursor)
            output, cursor, more = output + read["output"], read["cursor"], read["more"]
        assert output.startswith("".join(f"{number}\n" for number in range(1, 5_001)))
        whole = await agent.call("command_execute", sessionId=session, command="seq 1 50")
        assert not whole.content["truncated"] and "session_output" not in whole.text


async def test_signals_and_status(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        nothing = await agent.call("command_signal", sessionId=session, signal="TERM")
        assert nothing.is_error and "no command runs" in nothing.text
        assert "choose SIGINT" in (await agent.call("command_signal", sessionId=session, signal="HARD")).text

        started = await agent.do("command_execute", sessionId=session, command="sleep 100", timeout=100)
        assert started["timedOut"]

        async def sleeps() -> bool:
            status = await agent.do("session_status", sessionId=session)
            return (status["status"], status["command"], status["program"]) == ("active", "sleep 100", "sleep")

        await until("the status shows it", sleeps)
        sent = await agent.do("command_signal", sessionId=session, signal="TERM")
        assert (sent["signal"], sent["program"]) == ("SIGTERM", "sleep")
        await agent.at_prompt(session)
        status = await agent.do("session_status", sessionId=session)
        assert (status["status"], status["exitStatus"], status["ended"]) == ("idle", 143, False)


async def test_a_session_that_is_reset(world: World) -> None:
    allow(world, "stty raw -echo")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session()
        await agent.run("kept=yes; cd /", sessionId=session)
        stubborn = "trap '' INT QUIT; printf '\\033[?1049hgarbage'; stty raw -echo; while :; do sleep 1; done"
        await agent.run(f"bash -c {stubborn!r}", sessionId=session, timeoutMs=300)
        assert (await agent.do("session_reset", sessionId=session))["success"]
        assert "garbage" not in await agent.screen(session)
        ran = await agent.run("echo $kept; pwd", sessionId=session)
        assert ran["output"] == "yes\n/\n"
        # At a prompt with something on its line, it is the line that goes.
        await agent.type(session, "half a comm")
        assert (await agent.do("session_reset", sessionId=session))["success"]
        assert (await agent.run("echo fine", sessionId=session))["output"] == "fine\n"


async def test_the_family_alone_has_every_tool_of_the_document(world: World) -> None:
    documented = {
        *("session_create", "session_list", "session_close", "performance_monitor", "performance_history"),
        *("task_distribute", "task_status", "health_check", "health_history", "error_recover"),
        *("progress_aggregate", "safety_approve"),
    }
    async with agent_on_http(world.serve("--tools", "enhanced")) as agent:
        tools = [tool.name for tool in (await agent.client.list_tools()).tools]
        assert documented <= set(tools) and len(tools) == len(set(tools))
        created = await agent.do("session_create", name="build-worker-1", command="echo built", workingDirectory="/tmp")
        assert created["name"] == "build-worker-1" and created["status"] in ("active", "idle")
        session = created["sessionId"]
        listed = await agent.do("session_list")
        assert listed["total"] == 1 and listed["sessions"][0]["sessionId"] == session
        assert (await agent.do("safety_approve", command="ls", sessionId=session))["tier"] == "safe"
        closed = await agent.do("session_close", sessionId=session)
        assert closed["success"] and closed["sessionId"] == session
