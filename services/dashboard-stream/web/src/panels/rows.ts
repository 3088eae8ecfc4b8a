/** Where a panel that asks by itself leaves what it shows as rows; the frame around it makes a file of them. */
import { createContext, type RefObject } from "preact";
import { useContext, useEffect } from "preact/hooks";
import type { DataTable } from "../model/data-table.ts";

export const RowsOf = createContext<RefObject<(() => DataTable | null) | null> | null>(null);

export function useRows(make: () => DataTable | null): void {
  const place = useContext(RowsOf);
  useEffect(() => {
    if (place) place.current = make;
  });
  useEffect(
    () => () => {
      if (place) place.current = null;
    },
    [place],
  );
}
