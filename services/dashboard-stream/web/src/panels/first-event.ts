/** A first event in the language of the visitor, and whether anything has arrived yet. Pure. */
import type { Board } from "../model/board.ts";

export type Language = "curl" | "python" | "node";

export const LANGUAGES: readonly { name: Language; title: string }[] = [
  { name: "curl", title: "curl" },
  { name: "python", title: "Python" },
  { name: "node", title: "Node" },
];

/** What applications send, of the last 24 hours; what Drishti's services say of themselves is not among it. */
const RECEIVED = ["events.count.24h", "requests.count.24h"];

/** Whether nothing was received in 24 hours. Where it is not known, because no entry of the dashboard asks or the past is still read, it is not empty. */
export function isEmpty(board: Board, asked: readonly { name: string }[]): boolean {
  if (board.value("stream.history_ready") !== 1 || board.value("stream.bus_connected") === 0) return false;
  return RECEIVED.every((name) => asked.some((one) => one.name === name) && !board.value(name));
}

/** A program that sends the event `id` to `origin`, with the key in the variable DRISHTI_API_KEY. */
export function firstEvent(language: Language, origin: string, id: string): string {
  const url = `${origin}/api/events`;
  const body = JSON.stringify({ event_id: id, event_type: "dharma_query", user_id: "me", data: { satisfaction: 4.5 } });
  if (language === "curl") {
    return `curl -H "Authorization: Bearer $DRISHTI_API_KEY" -H 'Content-Type: application/json' \\\n  ${url} -d '${body}'`;
  }
  if (language === "python") {
    return [
      "import os, urllib.request",
      "",
      `headers = {"Authorization": f"Bearer {os.environ['DRISHTI_API_KEY']}", "Content-Type": "application/json"}`,
      `request = urllib.request.Request("${url}", b'${body}', headers)`,
      "print(urllib.request.urlopen(request).read().decode())",
    ].join("\n");
  }
  return [
    "// node first.mjs",
    `const response = await fetch("${url}", {`,
    '  method: "POST",',
    "  headers: { Authorization: `Bearer ${process.env.DRISHTI_API_KEY}`, \"Content-Type\": \"application/json\" },",
    `  body: JSON.stringify(${body}),`,
    "});",
    "console.log(response.status, await response.text());",
  ].join("\n");
}
