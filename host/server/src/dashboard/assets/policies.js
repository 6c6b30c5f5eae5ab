// The table of policies.

import { byId, element } from "./page.js";
import { onState } from "./state.js";

onState(({ policies }) => showPolicies(policies));

const FAILING = ["failed", "quarantined"];

function showPolicies(policies) {
  const micros = (value) => (value >= 1000 ? `${(value / 1000).toFixed(1)} ms` : `${value} µs`);
  const number = (text) => element("td", { class: "number" }, String(text));
  const sleeps = ({ state }) => state === "dormant";
  const failing = ({ state }) => FAILING.includes(state);
  const awake = policies.filter((policy) => !sleeps(policy))
    .sort((a, b) => failing(b) - failing(a) || (b.kind === "approver") - (a.kind === "approver"));
  byId("policies").replaceChildren(...awake.map((policy) =>
    element("tr", {},
      element("th", { scope: "row" }, policy.name),
      element("td", {}, policy.kind ?? "?"),
      element("td", { class: failing(policy) ? "bad" : null }, policy.state),
      number(policy.generation), number(policy.calls),
      number(policy.calls ? micros(policy.p50Micros) : "–"), number(policy.calls ? micros(policy.p99Micros) : "–"),
      element("td", {}, policy.lastError ?? ""))));
  showDormant(policies.filter(sleeps));
}

/** Policies that wait for their first question: names are enough. */
function showDormant(policies) {
  const dormant = byId("dormant");
  dormant.hidden = policies.length === 0;
  dormant.querySelector("summary").textContent =
    `${policies.length} more ${policies.length === 1 ? "sleeps" : "sleep"} until they are needed`;
  const kinds = [...new Set(policies.map(({ kind }) => kind))].sort();
  dormant.querySelector("dl").replaceChildren(...kinds.flatMap((kind) => [
    element("dt", {}, kind ?? "?"),
    element("dd", {}, policies.filter((policy) => policy.kind === kind).map(({ name }) => name).join(", ")),
  ]));
}
