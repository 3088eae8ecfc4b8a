/** The page of funnels in its frame. */
import { fetchFunnel } from "../live/product.ts";
import { FUNNELS_PATH } from "../model/product.ts";
import { FunnelsPage } from "../pages/funnels.tsx";
import { questionView } from "./question-view.tsx";

export const FunnelsView = questionView({ title: "Funnels", path: FUNNELS_PATH, ask: fetchFunnel, Page: FunnelsPage, first: null });
