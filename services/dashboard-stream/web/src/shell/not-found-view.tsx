/** What stands at an address that is no page's: which address it is, and ways on. */
import { useContext } from "preact/hooks";
import { DASHBOARDS_PATH } from "../model/dashboards.ts";
import { HOME_PATH } from "../model/explorer-choice.ts";
import type { ExplorerProps } from "./explorer-frame.tsx";
import { Header } from "./header.tsx";
import { usePageTitle } from "./page-title.ts";
import { OpenPalette } from "./shortcuts.ts";

export function NotFoundView({ places, go, theme }: ExplorerProps) {
  const find = useContext(OpenPalette);
  usePageTitle([], "Page not found", false);
  return (
    <>
      <a class="skip" href="#content">
        To the content
      </a>
      <Header places={places} path="" go={go} status={{ word: "not there", tone: "bad", why: "" }} age="" theme={theme} />
      <main id="content" tabIndex={-1}>
        <section class="panel empty not-found">
          <h1>There is no page at this address</h1>
          <p>
            <code>{location.pathname}</code>
          </p>
          <p class="ways">
            <a class="button" href={HOME_PATH}>
              Home
            </a>
            <a class="button" href={DASHBOARDS_PATH}>
              All dashboards
            </a>
            <button type="button" onClick={find}>
              Find a page
            </button>
          </p>
        </section>
      </main>
    </>
  );
}
