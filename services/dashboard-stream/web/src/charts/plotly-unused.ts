/**
 * In place of parts of Plotly that it imports whether or not they are wanted: selecting points by a box or a lasso, and the icons of its mode bar.
 * The page draws ranges itself (`plot-pointer.tsx`), and has no mode bar. See `vite.config.ts`.
 */
const nothing = (): void => {};

export { nothing as clearOutline, nothing as clearSelectionsCache, nothing as prepSelect, nothing as reselect, nothing as selectOnClick };
