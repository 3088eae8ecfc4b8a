import { render } from "preact";
import { App } from "./shell/app.tsx";
import "./shell/style.css";
import "./shell/insights.css";

const page = document.getElementById("page");
if (!page) throw new Error("index.html has no element #page");

// A key that came in the address is in a cookie now, and should not stay where shoulders and histories see it.
const address = new URL(location.href);
if (address.searchParams.has("token")) {
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

render(<App />, page);
