/** The page of engagement in its frame. */
import { fetchEngagement } from "../live/product.ts";
import { ENGAGEMENT_PATH } from "../model/product.ts";
import { EngagementPage } from "../pages/engagement.tsx";
import { questionView } from "./question-view.tsx";

export const EngagementView = questionView({ title: "Engagement", path: ENGAGEMENT_PATH, ask: fetchEngagement, Page: EngagementPage, first: {} });
