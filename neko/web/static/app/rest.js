/**
 * What the REST calls of this page answer. Types only; the shapes are declared in `neko/web/routes`.
 *
 * @import { Colours } from "../avatar/avatar.js"
 * @import { HelpNumber, Line, SpeechEngine } from "./wire.js"
 *
 * @typedef {{ regions: Record<string, Record<string, HelpNumber[]>> }} Helplines By region (ISO 3166) and danger.
 * @typedef {{ lines: Line[], has_more: boolean, chat: number }} HistoryPage Oldest first; `chat` is the one they are of.
 * @typedef {{ lines: Line[], has_more: boolean, incomplete: string }} FoundLines Newest first; `incomplete` says that not all could be searched yet.
 * @typedef {{ id: number, title: string, is_named: boolean, last_at: string | null }} Chat `last_at` is ISO 8601, null while nothing was said in it.
 * @typedef {{ current: number, chats: Chat[] }} ChatList The newest first.
 * @typedef {{ lines: Line[] }} ReplyVersions In the order in which they were said.
 * @typedef {{ line: Line }} VersionChosen
 * @typedef {{ lanlan_name: string }} PageConfig
 * @typedef {{ name: string, base_url: string, models: string[] }} LocalServer
 * @typedef {{ servers: LocalServer[] }} LocalServers
 * @typedef {{ name: string, size: number, languages: string[] }} SmallModelFile `size` in bytes; no languages: not known.
 * @typedef {{ models: string[] }} ModelNames
 * @typedef {{ latency_ms: number, model: string, reply: string }} ModelTested
 *
 * @typedef {object} Provider
 * @property {string} key
 * @property {string} name
 * @property {string} base_url
 * @property {"international" | "chinese" | ""} group
 * @property {Record<string, string>} models by what they are for
 * @property {boolean} needs_key
 * @property {boolean} has_key
 * @property {string} key_from the variable of the environment that holds the key, which cannot be deleted here
 * @property {string} site where one gets a key
 *
 * @typedef {object} CurrentModel
 * @property {string} provider
 * @property {string} provider_name
 * @property {string} base_url
 * @property {string} model
 * @property {boolean} offline
 * @property {Record<string, string>} pinned what the environment decides, by variable
 * @property {BorrowedKeyOffer[]} offers what could be used of the environment, after a yes
 * @property {Provider[]} providers
 *
 * @typedef {object} SmallModels
 * @property {boolean} installed
 * @property {string} command what to type where nothing is installed that runs a model
 * @property {string} folder for files of one's own
 * @property {SmallModelFile[]} files
 * @property {"off" | "loading" | "ready" | "failed"} state of `model`
 * @property {string} model the one that is loaded, or was tried
 * @property {number} loading_s seconds since it began to load
 * @property {boolean} chosen it answers
 * @property {string} error
 * @property {string} remedy
 *
 * @typedef {{ provider: string, name: string, variables: string[], base_url: string }} BorrowedKeyOffer
 *
 * @typedef {{ provider: string, base_url?: string, api_key?: string, model?: string, borrowed?: boolean }} ModelChoice An absent key means the stored one.
 *
 * @typedef {object} SpeechSettings
 * @property {SpeechEngine} engine
 * @property {string} voice of the engine in force
 * @property {{ engine: SpeechEngine, name: string, told: ("url" | "api_key" | "model" | "voice")[], licence: string, source: string, languages: string[] }[]} services
 *   that may speak for her; `told`: what the user tells of one; `languages`: none for many
 * @property {number} rate 1 is normal speed
 * @property {number} pitch semitones
 * @property {string} url
 * @property {string} model
 * @property {string} api_key masked
 *
 * @typedef {{ name: string, label: string, kind: "woman" | "man" | "whisper" | null, language: string, licence: string }} OfferedVoice
 *
 * @typedef {"server" | "local" | "browser" | "off"} HearingEngine
 *
 * @typedef {object} HearingModel
 * @property {string} name
 * @property {string} title
 * @property {string[] | null} languages null: about any
 * @property {number} size bytes
 * @property {string} licence
 * @property {string} source
 * @property {boolean} here
 * @property {boolean} fetchable
 * @property {boolean} removable it was fetched
 * @property {boolean} in_use
 * @property {{ state: "fetching" | "done" | "failed" | "cancelled", count: number, total: number, error: string, remedy: string } | null} fetch
 *
 * @typedef {object} HearingSettings
 * @property {HearingEngine} engine in force
 * @property {HearingEngine | null} chosen null: she chooses
 * @property {string} name of what hears, empty when nothing does here
 * @property {boolean} local
 * @property {string} error why nothing hears
 * @property {string} remedy
 * @property {string} url
 * @property {string} model
 * @property {string} api_key masked
 * @property {string} provider whose server hears without an address of its own
 * @property {string} language
 * @property {string} local_model
 * @property {boolean} reduces_noise the server can take noise out of a call
 * @property {string} folder for models of one's own
 * @property {HearingModel[]} models
 *
 * @typedef {"direct" | "text"} CallWay `direct`: with the provider's own voice model.
 * @typedef {"model" | "hers"} CallVoice
 * @typedef {"model" | "here"} CallTurns
 * @typedef {{ way: CallWay, chosen: CallWay | null, provider: string, model: string, api_key: string,
 *   voice: CallVoice, voice_chosen: CallVoice | null, voices: string[], turns: CallTurns, turns_chosen: CallTurns | null, turns_can_be_found_here: boolean,
 *   providers: { key: string, name: string, description: string, has_key: boolean }[] }} CallsSettings
 *   `way` is in force; `model` is empty while it cannot be asked; `api_key` is masked.
 * @typedef {{ way?: CallWay | "auto", voice?: CallVoice | "auto", turns?: CallTurns | "auto", provider?: string, api_key?: string }} CallsChange
 *
 * @typedef {{ engine?: HearingEngine | "auto", url?: string, model?: string, api_key?: string, language?: string, local_model?: string }} HearingChange
 *
 * @typedef {{
 *   on: boolean, every_min: number, per_day: number, quiet: string, sources: ("memory" | "screen" | "window" | "news")[], feeds: string[],
 *   now: string, failed: Record<string, string>, windows: boolean,
 * }} SpeakingFirst `now`: whether she may speak of her own accord, and if not, why; `failed`: the reason by the address of a feed;
 *   `windows`: the system tells the title of the window in front.
 * @typedef {{ temperature: number | null, max_tokens: number | null }} ReplyOptions Null: the model's own.
 *
 * @typedef {{ name: string, value: string, origin: "file" | "environment" | "flag", from_name: string, on_page: boolean }} SettingOverview
 *   `from_name` is the variable, the flag or the key of the file that decides; `on_page`: what is chosen on the page counts.
 *
 * @typedef {{ greeting?: string, language?: string, picture?: string, colours?: Partial<Colours> }} OwnFields What a card holds beside N.E.K.O.'s fields.
 * @typedef {{ [field: string]: unknown, system_prompt?: string, neko?: OwnFields }} CharacterCard
 * @typedef {{ "猫娘"?: Record<string, CharacterCard> }} Characters
 */
export {};
