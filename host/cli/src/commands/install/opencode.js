// Written by `quarterdeck install opencode`; `quarterdeck uninstall opencode` removes it.
// What OpenCode's shell tool is about to run is judged by Quarterdeck's policies.
import { spawn } from "node:child_process"

const command = "COMMAND"
const seconds = "SECONDS"
const shells = ["bash", "shell"]

/** Calls the hook. Whatever goes wrong, the answer is no. */
function ask(event) {
  return new Promise((resolve) => {
    const no = (reason) => resolve({ decision: "deny", reason })
    const hook = spawn(command[0], command.slice(1))
    const timer = setTimeout(() => hook.kill("SIGKILL"), seconds * 1000)
    const said = { out: "", err: "" }
    hook.stdout.on("data", (data) => (said.out += data))
    hook.stderr.on("data", (data) => (said.err += data))
    hook.stdin.on("error", () => {})
    hook.on("error", (error) => {
      clearTimeout(timer)
      no(`quarterdeck could not be asked, so this is refused: ${error.message}`)
    })
    hook.on("close", (status) => {
      clearTimeout(timer)
      if (status !== 0) return no(said.err.trim() || `quarterdeck hook ended with ${status}`)
      try {
        resolve(JSON.parse(said.out || "{}"))
      } catch {
        no("quarterdeck hook answered with what is no JSON")
      }
    })
    hook.stdin.end(JSON.stringify(event))
  })
}

export const Quarterdeck = async ({ directory }) => ({
  "tool.execute.before": async (input, output) => {
    if (!shells.includes(input.tool)) return
    const answer = await ask({
      hook_event_name: "tool.execute.before",
      session_id: input.sessionID,
      cwd: directory,
      tool_name: input.tool,
      tool_input: output.args,
    })
    if (answer.decision !== "allow") throw new Error(answer.reason)
  },
  "chat.message": async (input) => {
    await ask({ hook_event_name: "chat.message", session_id: input.sessionID, cwd: directory })
  },
  event: async ({ event }) => {
    if (event.type !== "session.idle") return
    const session = event.properties.sessionID
    await ask({ hook_event_name: "session.idle", session_id: session, cwd: directory })
  },
})
