/** Puts a question about engagement together: what counts as activity, what rates, and over which days. */
import { type EngagementQuestion, FIRST_INTERVAL, HIGH, LOW, WINDOW_DAYS } from "../model/engagement.ts";
import { INTERVALS } from "../model/retention.ts";
import type { FormProps } from "./asked-by-form.tsx";
import { Choice } from "./choice.tsx";
import { CohortField } from "./cohort-field.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventSelection } from "./event-selection.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import { NumberField } from "./number-field.tsx";
import { ZoneField } from "./zone-field.tsx";
import "./product.css";

export function EngagementForm({ question, set, names, fault }: FormProps<EngagementQuestion>) {
  const { activity = {}, satisfaction = null, interval = FIRST_INTERVAL, window_days = WINDOW_DAYS, tz, breakdown = "" } = question;
  const put = (changed: Partial<EngagementQuestion>) => set({ ...question, ...changed });
  const properties = names?.properties ?? [];
  const ratings = satisfaction ?? { property: "" };
  const rates = (changed: Partial<typeof ratings>) => put({ satisfaction: { ...ratings, ...changed } });
  return (
    <div class="funnel-form">
      <Part title="Active by">
        <EventSelection title="Event types" selection={activity} set={(selection) => put({ activity: selection })} names={names} fault={(place) => fault(`activity.${place}`)} />
      </Part>
      <Part title="Satisfied by">
        <TextField title="Rating" value={ratings.property} list={properties} placeholder="property" set={(property) => rates({ property })} hint={ratings.property ? "" : "A number in events; without one there are three parts."} {...faultOf(fault("satisfaction.property"))} />
        {ratings.property && (
          <>
            <div class="question-row">
              <NumberField title="From" value={ratings.low ?? LOW} set={(low) => rates({ low })} error={fault("satisfaction.low")} />
              <NumberField title="To" value={ratings.high ?? HIGH} set={(high) => rates({ high })} error={fault("satisfaction.high")} />
            </div>
            <EventSelection
              title="Rated in"
              selection={{ event_types: ratings.event_types, where: ratings.where }}
              set={({ event_types, where }) => rates({ event_types, where })}
              names={names}
              fault={(place) => fault(`satisfaction.${place}`)}
            />
          </>
        )}
      </Part>
      <div class="question-row">
        <Choice title="Period" value={interval} values={INTERVALS} words={(one) => one} set={(one) => put({ interval: one as typeof interval })} {...faultOf(fault("interval"))} />
        <NumberField title="Days" value={window_days} set={(days) => put({ window_days: days })} error={fault("window_days")} />
        <TextField title="By" value={breakdown} list={properties} placeholder="property" set={(property) => put({ breakdown: property })} {...faultOf(fault("breakdown"))} />
      </div>
      <CohortField cohort={question.cohort} set={(cohort) => put({ cohort })} error={fault("cohort")} />
      <ZoneField tz={tz} set={(name) => put({ tz: name })} error={fault("tz")} />
    </div>
  );
}
