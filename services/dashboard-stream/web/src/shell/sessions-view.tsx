/** The page of sessions in its frame. */
import { fetchSessions } from "../live/product.ts";
import { SESSIONS_PATH } from "../model/product.ts";
import { SessionsPage } from "../pages/sessions.tsx";
import { questionView } from "./question-view.tsx";

export const SessionsView = questionView({ title: "Sessions", path: SESSIONS_PATH, ask: fetchSessions, Page: SessionsPage, first: { interval: "day" } });
