// Runs before the first paint, so that a remembered theme does not flash in after the other one. The rest is in src/shell/theme.ts.
try {
  const chosen = localStorage.getItem("drishti.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is forbidden here: the page follows the system.
}
