/** The page of journeys in its frame. */
import { fetchJourneys } from "../live/product.ts";
import { JOURNEYS_PATH } from "../model/product.ts";
import { JourneysPage } from "../pages/journeys.tsx";
import { questionView } from "./question-view.tsx";

export const JourneysView = questionView({ title: "Journeys", path: JOURNEYS_PATH, ask: fetchJourneys, Page: JourneysPage, first: {} });
