"""A model that real coding agents talk to in tests: it costs nothing, knows nothing, and
does what the prompt says.

It speaks Anthropic's messages, OpenAI's responses and chat completions, and Gemini's
`generateContent`, streaming where it is asked to. The lines of a prompt that look like
these are what it obeys, in order:

    say: TEXT               answers TEXT
    run: COMMAND            calls the agent's own shell tool, then answers what came of it
    call: TOOL {JSON}       calls the tool whose name ends with TOOL, the same way
    limit:                  refuses, as a service whose limit is reached
    slowly: SECONDS TEXT    answers after so long

Started by hand it prints its address; each request is a line of the file that `--log` names.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Some agents put prompts between quotes.
ORDER = re.compile(r'^\s*"?(say|run|call|limit|slowly): ?(.*?)"?$', re.MULTILINE)

# What agents call the tool that runs a command line, and the field that holds it.
SHELL_TOOLS = {
    "Bash": "command",
    "bash": "command",
    "run_shell_command": "command",
    "shell_command": "command",
    "exec_command": "cmd",
    "shell": "command",
}


@dataclass
class Asked:
    """One request, whatever protocol it came by."""

    prompt: str
    """What the person said last that is an order."""
    came_of: list[str]
    """What the tools gave that were called because of it, in order."""
    tools: dict[str, Any]
    """Names of the tools on offer, with their schemas."""


@dataclass
class Reply:
    """What the model says: a text, or the call of a tool."""

    text: str = ""
    tool: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    limited: bool = False


def reply_to(asked: Asked) -> Reply:
    """Orders are obeyed one after the other, one for each answer of a tool."""
    orders = list(ORDER.finditer(asked.prompt))
    if not orders:
        return Reply(text="A title")
    if len(asked.came_of) >= len(orders):
        return Reply(text=f"The tool gave: {asked.came_of[-1].strip()[:600]}")
    order = orders[len(asked.came_of)]
    verb, rest = order[1], order[2].strip()
    if asked.came_of and (named := re.search(r"session ID (\d+)", asked.came_of[-1])):
        rest = rest.replace("$SESSION", named[1])
    if verb == "limit":
        return Reply(limited=True)
    if verb == "slowly":
        seconds, _, text = rest.partition(" ")
        time.sleep(float(seconds))
        return Reply(text=text or "That took a while.")
    if verb == "say":
        return Reply(text=rest)
    if verb == "run":
        tool = next((name for name in SHELL_TOOLS if name in asked.tools), None)
        if tool is None:
            return Reply(text="There is no shell tool.")
        return Reply(tool=tool, arguments=shell_arguments(tool, asked.tools[tool], rest))
    name, _, arguments = rest.partition(" ")
    tool = next((tool for tool in asked.tools if tool.endswith(name)), None)
    if tool is None:
        return Reply(text=f"There is no tool {name}.")
    return Reply(tool=tool, arguments=json.loads(arguments or "{}"))


def shell_arguments(tool: str, schema: Any, command: str) -> dict[str, Any]:
    properties = (schema or {}).get("properties", {})
    given: Any = command
    if properties.get(SHELL_TOOLS[tool], {}).get("type") == "array":
        given = ["bash", "-lc", command]
    arguments = {SHELL_TOOLS[tool]: given}
    for required in (schema or {}).get("required", []):
        arguments.setdefault(required, "Does what it was told")
    return arguments


# --- reading each protocol ------------------------------------------------------------


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return "" if content is None else json.dumps(content)
    parts = [
        part.get("text") or text_of(part.get("content") or "") if isinstance(part, dict) else str(part)
        for part in content
    ]
    return "\n".join(part for part in parts if part)


def asked_by(turns: list[tuple[str, str]], tools: dict[str, Any]) -> Asked:
    """Of what was said in order: `user` texts and `tool` results."""
    prompt, came_of = "", []
    for who, text in turns:
        if who == "user" and ORDER.search(text):
            prompt, came_of = text, []
        elif who == "tool":
            came_of.append(text)
    return Asked(prompt, came_of, tools)


def from_messages(body: dict[str, Any]) -> Asked:
    turns = []
    for message in body.get("messages", []):
        content = message.get("content")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        for part in parts:
            if part.get("type") == "tool_result":
                turns.append(("tool", text_of(part.get("content"))))
            elif message["role"] == "user":
                turns.append(("user", text_of(part)))
    tools = {tool["name"]: tool.get("input_schema") for tool in body.get("tools", []) if "name" in tool}
    return asked_by(turns, tools)


def from_chat(body: dict[str, Any]) -> Asked:
    turns = []
    for message in body.get("messages", []):
        if message["role"] in ("user", "tool"):
            turns.append((message["role"], text_of(message.get("content"))))
    tools = {tool["function"]["name"]: tool["function"].get("parameters") for tool in body.get("tools") or []}
    return asked_by(turns, tools)


def from_responses(body: dict[str, Any]) -> Asked:
    turns = []
    given = body.get("input", [])
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        if item.get("type", "").endswith("_call_output"):
            turns.append(("tool", text_of(item.get("output"))))
        elif item.get("role") == "user":
            turns.append(("user", text_of(item.get("content"))))
    tools: dict[str, Any] = {}
    for tool in body.get("tools", []):
        if tool.get("type") == "function":
            tools[tool["name"]] = tool.get("parameters")
        elif tool.get("type") == "namespace":
            for inner in tool.get("tools", []):
                tools[f"{tool['name']}|{inner['name']}"] = inner.get("parameters")
    return asked_by(turns, tools)


def from_gemini(body: dict[str, Any]) -> Asked:
    turns = []
    for content in body.get("contents", []):
        for part in content.get("parts", []):
            if "functionResponse" in part:
                turns.append(("tool", json.dumps(part["functionResponse"].get("response"))))
            elif content.get("role") == "user" and "text" in part:
                turns.append(("user", part["text"]))
    tools = {
        function["name"]: function.get("parametersJsonSchema") or function.get("parameters")
        for tool in body.get("tools", [])
        for function in tool.get("functionDeclarations", [])
    }
    return asked_by(turns, tools)


# --- answering in each ----------------------------------------------------------------

USAGE = {"input_tokens": 10, "output_tokens": 5}


def messages_reply(reply: Reply, model: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The whole answer, and the events of the same as a stream."""
    if reply.tool:
        block = {"type": "tool_use", "id": f"toolu_{time.time_ns()}", "name": reply.tool, "input": reply.arguments}
        empty = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(reply.arguments)}
        stop = "tool_use"
    else:
        block = {"type": "text", "text": reply.text}
        empty = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": reply.text}
        stop = "end_turn"
    whole = {
        "id": f"msg_{time.time_ns()}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [block],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": USAGE,
    }
    begun = {**whole, "content": [], "stop_reason": None}
    return whole, [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]


def chat_reply(reply: Reply, model: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head = {"id": f"chatcmpl-{time.time_ns()}", "created": int(time.time()), "model": model}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    stop = "stop"
    if reply.tool:
        function = {"name": reply.tool, "arguments": json.dumps(reply.arguments)}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"index": 0, "id": f"call_{time.time_ns()}", "type": "function", "function": function}],
        }
        stop = "tool_calls"
    whole = {
        **head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": stop}],
        "usage": usage,
    }
    chunk = {**head, "object": "chat.completion.chunk"}
    return whole, [
        {**chunk, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": stop}]},
        {**chunk, "choices": [], "usage": usage},
    ]


def responses_reply(reply: Reply, model: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    now = time.time_ns()
    if reply.tool:
        namespace, _, name = reply.tool.rpartition("|")
        item: dict[str, Any] = {
            "type": "function_call",
            "id": f"fc_{now}",
            "call_id": f"call_{now}",
            "name": name,
            "arguments": json.dumps(reply.arguments),
            "status": "completed",
        }
        if namespace:
            item["namespace"] = namespace
    else:
        part = {"type": "output_text", "text": reply.text, "annotations": []}
        item = {"type": "message", "id": f"msg_{now}", "role": "assistant", "status": "completed", "content": [part]}
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    }
    whole = {
        "id": f"resp_{now}",
        "object": "response",
        "created_at": now // 10**9,
        "status": "completed",
        "model": model,
        "output": [item],
        "usage": usage,
    }
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}}
    ]
    events.append({"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}})
    if not reply.tool:
        events.append(
            {
                "type": "response.output_text.delta",
                "item_id": item["id"],
                "output_index": 0,
                "content_index": 0,
                "delta": reply.text,
            }
        )
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    events.append({"type": "response.completed", "response": whole})
    for number, event in enumerate(events):
        event["sequence_number"] = number
    return whole, events


def gemini_reply(reply: Reply, model: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    part: dict[str, Any] = (
        {"functionCall": {"name": reply.tool, "args": reply.arguments}} if reply.tool else {"text": reply.text}
    )
    whole = {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": model,
    }
    return whole, [whole]


@dataclass(frozen=True)
class Protocol:
    """One way to talk to a model."""

    path: tuple[str, ...]
    """What its addresses end with."""
    asked: Callable[[dict[str, Any]], Asked]
    reply: Callable[[Reply, str], tuple[dict[str, Any], list[dict[str, Any]]]]
    """The whole answer, and the events of the same as a stream."""
    limited: dict[str, Any]
    """What it says when a limit is reached."""
    named: bool = False
    """Whether events of a stream have names."""
    done: bool = False
    """Whether a stream ends with a word of its own."""


PROTOCOLS = [
    Protocol(
        ("/messages",),
        from_messages,
        messages_reply,
        {"type": "error", "error": {"type": "rate_limit_error", "message": "This would exceed your rate limit."}},
        named=True,
    ),
    Protocol(
        ("/chat/completions",),
        from_chat,
        chat_reply,
        {"error": {"message": "Rate limit reached for requests. Please try again in 20s.", "type": "requests"}},
        done=True,
    ),
    Protocol(
        ("/responses",),
        from_responses,
        responses_reply,
        {
            "error": {
                "type": "usage_limit_reached",
                "message": "The usage limit has been reached",
                "resets_at": int(time.time()) + 3600,
            }
        },
        named=True,
    ),
    Protocol(
        (":generateContent", ":streamGenerateContent"),
        from_gemini,
        gemini_reply,
        {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota."}},
    ),
]


# --- the server -----------------------------------------------------------------------


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeModel

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:  # noqa: N802
        self.answer({})

    def do_GET(self) -> None:  # noqa: N802
        self.server.note(self.path, None)
        models = [
            {"id": name, "object": "model", "type": "model", "display_name": name}
            for name in ("fake", "gpt-5", "claude-sonnet-4-5")
        ]
        self.answer({"object": "list", "data": models, "models": [], "has_more": False})

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_body()
        self.server.note(self.path, body)
        path = self.path.partition("?")[0]
        if path.endswith(("/count_tokens", ":countTokens")):
            self.answer({"input_tokens": 10, "totalTokens": 10})
        elif protocol := next((it for it in PROTOCOLS if path.endswith(it.path)), None):
            self.speak(protocol, body, path)
        else:
            self.answer({}, status=404)

    def speak(self, protocol: Protocol, body: dict[str, Any], path: str) -> None:
        reply = reply_to(protocol.asked(body))
        if reply.limited:
            self.answer(protocol.limited, status=429)
            return
        whole, events = protocol.reply(reply, str(body.get("model", "fake")))
        if body.get("stream") or path.endswith(":streamGenerateContent"):
            self.stream(events, protocol)
        else:
            self.answer(whole)

    def read_body(self) -> dict[str, Any]:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        encoding = self.headers.get("Content-Encoding", "")
        if encoding == "gzip":
            import gzip

            data = gzip.decompress(data)
        try:
            body = json.loads(data or b"{}")
        except ValueError:
            body = {"unreadable": repr(data[:200]), "encoding": encoding}
        return body if isinstance(body, dict) else {"body": body}

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def stream(self, events: list[dict[str, Any]], protocol: Protocol) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            name = f"event: {event['type']}\n" if protocol.named else ""
            self.wfile.write(f"{name}data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
        if protocol.done:
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


class FakeModel(ThreadingHTTPServer):
    """The endpoint, at a free port of the loopback unless one is named."""

    daemon_threads = True

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), Door)
        self.log = log
        self.noting = threading.Lock()
        self.requests: list[tuple[str, dict[str, Any] | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def note(self, path: str, body: dict[str, Any] | None) -> None:
        with self.noting:
            self.requests.append((path, body))
            if self.log:
                with self.log.open("a") as file:
                    file.write(json.dumps({"path": path, "body": body}) + "\n")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is none of ours."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A model for real coding agents, in tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    model = FakeModel(options.port, options.log)
    print(model.url, flush=True)
    model.serve_forever()
