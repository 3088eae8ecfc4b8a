/** Where a panel that asks by itself leaves what it shows as rows (`useLeft`); the frame around it makes a file of them. */
import { createContext } from "preact";
import type { Place } from "../charts/left.ts";
import type { DataTable } from "../model/data-table.ts";

export const RowsOf = createContext<Place<() => DataTable | null>>(null);
