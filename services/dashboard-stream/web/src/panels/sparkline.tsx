/** Counts over time as a row of small columns; in words for those who listen. */
interface Props {
  counts: readonly number[];
  /** What is counted: `errors`. */
  of: string;
}

const HEIGHT = 24;
const STEP = 4;

export function Sparkline({ counts, of }: Props) {
  const most = Math.max(...counts, 1);
  const total = counts.reduce((sum, one) => sum + one, 0);
  const label = `${total} ${of}, at most ${Math.max(...counts, 0)} in one of ${counts.length} parts of the range`;
  return (
    <svg class="sparkline" role="img" aria-label={label} viewBox={`0 0 ${counts.length * STEP} ${HEIGHT}`} preserveAspectRatio="none">
      <title>{label}</title>
      <line x1={0} x2={counts.length * STEP} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      {counts.map((count, place) => {
        const height = count ? Math.max(2, (count / most) * (HEIGHT - 2)) : 0;
        return <rect key={place} x={place * STEP + 0.5} width={STEP - 1} y={HEIGHT - height} height={height} />;
      })}
    </svg>
  );
}
