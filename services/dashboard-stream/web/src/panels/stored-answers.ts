/** What a capsule has of panels that are asked of what is stored, by their ids; `null`: they ask. */
import { createContext } from "preact";

export const StoredAnswers = createContext<ReadonlyMap<string, unknown> | null>(null);
