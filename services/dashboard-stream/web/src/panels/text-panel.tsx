/** Text that a user wrote on a dashboard. */
import { useMemo } from "preact/hooks";
import type { TextPanel as Text } from "../model/contracts.ts";
import { type Block, blocksOf, type Inline } from "../model/markdown.ts";

export function TextPanel({ panel }: { panel: Text }) {
  const blocks = useMemo(() => blocksOf(panel.text), [panel.text]);
  return (
    <article class="panel words">
      <h2>{panel.title}</h2>
      <div dir="auto">
        {blocks.map((block, place) => (
          <One key={place} block={block} />
        ))}
      </div>
    </article>
  );
}

function One({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading":
      // The panel's own title is the second level.
      return block.level === 1 ? <h3>{inlines(block.inner)}</h3> : <h4>{inlines(block.inner)}</h4>;
    case "paragraph":
      return <p>{inlines(block.inner)}</p>;
    case "quote":
      return <blockquote>{inlines(block.inner)}</blockquote>;
    case "list": {
      const items = block.items.map((item, place) => <li key={place}>{inlines(item)}</li>);
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case "code":
      return (
        <pre tabIndex={0}>
          <code>{block.text}</code>
        </pre>
      );
    case "rule":
      return <hr />;
  }
}

function inlines(list: readonly Inline[]) {
  return list.map((one, place) => {
    switch (one.kind) {
      case "text":
        return one.text;
      case "code":
        return <code key={place}>{one.text}</code>;
      case "strong":
        return <strong key={place}>{inlines(one.inner)}</strong>;
      case "emphasis":
        return <em key={place}>{inlines(one.inner)}</em>;
      case "link":
        return (
          <a key={place} href={one.to} rel="noopener noreferrer nofollow">
            {inlines(one.inner)}
          </a>
        );
    }
  });
}
