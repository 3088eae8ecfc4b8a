/** Whether the frame around a panel that asks by itself has it show its rows instead of drawing them. */
import { createContext } from "preact";

export const AsTable = createContext(false);
