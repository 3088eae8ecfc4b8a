/** The page of experience in its frame. */
import { fetchExperience } from "../live/product.ts";
import { EXPERIENCE_PATH } from "../model/product.ts";
import { ExperiencePage } from "../pages/experience.tsx";
import { questionView } from "./question-view.tsx";

export const ExperienceView = questionView({ title: "Experience", path: EXPERIENCE_PATH, ask: fetchExperience, Page: ExperiencePage, first: null });
