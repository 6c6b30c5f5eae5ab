// What a policy other than an approver may ask of the host.
export { log, nowMs } from "quarterdeck:policy/host@0.1.0";
