// Use over time.

import { byId, element } from "./page.js";
import { onState } from "./state.js";

const POINTS = 240;

let measuredByHost = false;
const series = {
  cpu: { title: "Processor", unit: "%", points: [] },
  memory: { title: "Memory", unit: "MB", points: [] },
  latency: { title: "Slowest policy, 99 of 100 calls", unit: "ms", points: [] },
  events: { title: "Events", unit: "a minute", points: [] },
};
let eventsHeard = [];

onState((state) => measuredByHost || measure(state));

/** An event came: the plot counts them. */
export function heard(event) {
  eventsHeard.push(Date.parse(event.timestamp));
}

/** The host's own measurement came. */
export function measured({ cpu, memory }) {
  measuredByHost = true;
  add("cpu", cpu);
  add("memory", memory);
  measureEvents();
}

/** Without a monitor that measures, the state's own figures do. */
function measure(state) {
  const sum = (name) => state.sessions.reduce((total, session) => total + session[name], 0);
  add("cpu", sum("cpu"));
  add("memory", sum("memory"));
  add("latency", Math.max(0, ...state.policies.map((policy) => policy.p99Micros)) / 1000);
  measureEvents();
}

function measureEvents() {
  const minuteAgo = Date.now() - 60_000;
  eventsHeard = eventsHeard.filter((at) => at > minuteAgo);
  add("events", eventsHeard.length);
  plot();
}

function add(name, value) {
  const { points } = series[name];
  points.push(value);
  if (points.length > POINTS) points.shift();
}

const SVG = "http://www.w3.org/2000/svg";
function plot() {
  byId("plots").replaceChildren(...Object.values(series).filter(({ points }) => points.length).map(
    ({ title, unit, points }) => {
      const most = Math.max(...points, 1);
      const now = points[points.length - 1];
      const text = `${title}: ${now.toFixed(now < 10 ? 1 : 0)} ${unit}`;
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("class", "plot");
      const width = Math.max(30, points.length - 1);
      svg.setAttribute("viewBox", `0 0 ${width} 100`);
      svg.setAttribute("preserveAspectRatio", "none");
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", `${text}, at most ${most.toFixed(1)}`);
      const line = document.createElementNS(SVG, "polyline");
      const drawn = points.length === 1 ? [points[0], points[0]] : points;
      const from = width + 1 - drawn.length;
      line.setAttribute("points",
        drawn.map((value, at) => `${from + at},${(98 - (value / most) * 94).toFixed(1)}`).join(" "));
      svg.append(line);
      return element("figure", {}, element("figcaption", {}, text), svg);
    }));
}
