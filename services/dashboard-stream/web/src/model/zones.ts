/** Clock readings and instants, in UTC or the browser's zone. Pure, but for the zone of the browser. */

/** Year, month from 0, day, hour, minute, second, millisecond. */
export type Clock = [number, number, number, number, number, number, number];

/** The instant at which the clock of the zone shows this, in epoch ms. */
export function instantIn(clock: Clock, utc: boolean): number {
  return utc ? Date.UTC(...clock) : new Date(...clock).getTime();
}
