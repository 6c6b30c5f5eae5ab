// Tasks, agents, progress and health, as events tell of them.

import { byId, clock, element } from "./page.js";
import { called } from "./state.js";

const work = { tasks: new Map(), progress: new Map(), agents: null, todos: null, alerts: [], coding: new Map() };

/** Keeps what an event tells of work and health, and shows it. */
export function remember(kind, data, at) {
  const keep = (map, key) => {
    map.delete(key);
    map.set(key, data);
    if (map.size > 50) map.delete(map.keys().next().value);
  };
  if (kind === "task.update") keep(work.tasks, data.id);
  else if (kind === "progress.update") keep(work.progress, data.sessionId);
  else if (kind === "claude.status") keep(work.coding, data.session_id);
  else if (kind === "agent.status") work.agents = data;
  else if (kind === "todo.update") work.todos = data;
  else if (kind === "health.alert") work.alerts = [{ ...data, at }, ...work.alerts].slice(0, 10);
  else return;
  showWork();
}

/** States that no task leaves again, and how they look. */
const OVER = { completed: "good", failed: "bad", cancelled: "faint" };

function showWork() {
  const parts = [];
  const part = (title, ...rows) => parts.push(element("h3", {}, title), element("ul", {}, ...rows));
  const bar = (label, percent) => element("li", {}, `${label} – ${Math.round(percent)} %`,
    element("progress", { max: 100, value: percent, "aria-label": label }));
  if (work.alerts.length) {
    part("Health", ...work.alerts.map((alert) =>
      element("li", { class: alert.severity === "warning" ? "warn" : "bad" },
        `${clock(alert.at)} ${alert.severity}: ${alert.component}: ${alert.message}`)));
  }
  if (work.coding.size) {
    part("Coding agents", ...[...work.coding.values()].map((agent) =>
      element("li", {}, `${agent.message} in ${called(agent.session_id)}`)));
  }
  if (work.agents) {
    part("Agents", ...Object.entries(work.agents.agent_stats).map(([name, stats]) =>
      element("li", {}, `${name}${work.agents.active_agents.includes(name) ? " (at work)" : ""}: ` +
        `${stats.tasks} tasks, ${Math.round(stats.avg_duration_ms)} ms each`)));
  }
  if (work.tasks.size) {
    part("Tasks", ...[...work.tasks.values()].reverse().map((task) => OVER[task.status]
      ? element("li", { class: OVER[task.status] }, [`${task.id} ${task.status}`, task.error].filter(Boolean).join(": "))
      : bar(`${task.id} ${task.status}`, task.progress)));
  }
  if (work.progress.size) {
    part("Progress", ...[...work.progress.values()].map((it) =>
      bar(`${called(it.sessionId)} ${it.milestone ?? ""}`.trim(), it.progress)));
  }
  if (work.todos) {
    const { completed, total } = work.todos.stats;
    part("To do", bar(`${completed} of ${total} done`, total ? (100 * completed) / total : 0));
  }
  if (parts.length) byId("work").replaceChildren(...parts);
}
