/** The page of retention in its frame. */
import { fetchRetention } from "../live/product.ts";
import { RETENTION_PATH } from "../model/product.ts";
import { RetentionPage } from "../pages/retention.tsx";
import { questionView } from "./question-view.tsx";

export const RetentionView = questionView({ title: "Retention", path: RETENTION_PATH, ask: fetchRetention, Page: RetentionPage, first: {} });
