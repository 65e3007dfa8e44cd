/**
 * What `/api/monitor` answers. Types only; the shapes are declared in `neko/web/routes/monitor.py`.
 *
 * @typedef {{ uptime_s: number, processor: number, memory: number | null, threads: number, tasks: number, lag_s: number, worst_lag_s: number }} Process
 * @typedef {{ mode: "text" | "audio", model: string, provider: string, offline: boolean, began: string }} Session
 * @typedef {{ model: string, provider: string, offline: boolean, works: boolean | null }} Model
 *
 * @typedef {object} ConversationLook
 * @property {string} character
 * @property {string} phase
 * @property {string | null} step
 * @property {string} slot
 * @property {Session | null} session
 * @property {number} questions
 * @property {number} lines
 * @property {number} unkept
 * @property {boolean} owner
 * @property {number} viewers
 * @property {number} taps
 * @property {number} waiting
 * @property {number} fill 0 to 1
 * @property {string} voice
 *
 * @typedef {{ name: string, waiting: number, drops: number, failures: number }} Queue
 * @typedef {{ done: number, total: number }} Reached
 * @typedef {{ character: string, job: string, jobs: string[], meaning: Reached | null, meaning_state: string, indexing: Reached | null, learning: Reached | null }} MemoryLook
 * @typedef {{ id: string, character: string, title: string, hand: string, state: string, began: string }} TaskLook
 * @typedef {{ name: string, state: string, tools: number, problem: string }} ServerLook
 * @typedef {{ purpose: string, host: string, requests: number, connections: number, refused: number, bytes_out: number, bytes_in: number }} Host
 * @typedef {{ id: string, message: string, remedy: string, character: string | null }} FaultLook
 * @typedef {{ name: string, count: number, p50: number, p95: number, max: number }} Timing
 *
 * @typedef {object} Monitor
 * @property {Process} process
 * @property {Model} model
 * @property {string} hearing
 * @property {ConversationLook[]} conversations
 * @property {{ capacity: number, queues: Queue[] }} bus
 * @property {MemoryLook[]} memories
 * @property {{ on: boolean, tasks: TaskLook[], questions: number, servers: ServerLook[] }} agent
 * @property {{ local_only: boolean, steam: boolean, hosts: Host[] }} network
 * @property {FaultLook[]} faults
 * @property {Timing[]} timings
 */
export {};
