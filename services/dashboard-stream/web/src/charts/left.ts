/** What a panel leaves for the frame around it: how its picture is made, its rows as a table. */
import type { Context, RefObject } from "preact";
import { useContext, useEffect } from "preact/hooks";

/** Where it is left; `null`: there is no frame. */
export type Place<T> = RefObject<T | null> | null;

/** Leaves `made` there as long as the panel is shown. */
export function useLeft<T>(where: Context<Place<T>>, made: T): void {
  const place = useContext(where);
  useEffect(() => {
    if (place) place.current = made;
  });
  useEffect(
    () => () => {
      if (place) place.current = null;
    },
    [place],
  );
}
