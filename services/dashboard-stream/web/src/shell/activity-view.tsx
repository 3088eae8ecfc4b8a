/** The page of activity in its frame. */
import { fetchActivity } from "../live/product.ts";
import { ACTIVITY_PATH } from "../model/product.ts";
import { ActivityPage } from "../pages/activity.tsx";
import { questionView } from "./question-view.tsx";

export const ActivityView = questionView({ title: "Activity", path: ACTIVITY_PATH, ask: fetchActivity, Page: ActivityPage, first: {} });
