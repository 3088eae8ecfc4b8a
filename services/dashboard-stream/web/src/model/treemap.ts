/** Areas in proportion to numbers, as square as they go. Pure. */

/** A rectangle in parts of the whole width and height, 0 to 1. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The areas of `numbers` (positive, the largest first) in a rectangle that is `aspect` times as wide as high. Rows are filled
 * along the shorter side for as long as that makes the worst of a row squarer.
 */
export function treemap(numbers: readonly number[], aspect: number): Area[] {
  const sum = numbers.reduce((total, number) => total + number, 0);
  if (!(sum > 0)) return [];
  const areas = numbers.map((number) => (number / sum) * aspect);
  const result: Area[] = [];
  let free: Area = { x: 0, y: 0, width: aspect, height: 1 };
  for (let begin = 0; begin < areas.length; ) {
    const side = Math.min(free.width, free.height);
    let end = begin + 1;
    while (end < areas.length && worst(areas.slice(begin, end + 1), side) <= worst(areas.slice(begin, end), side)) end += 1;
    const row = areas.slice(begin, end);
    const depth = row.reduce((total, area) => total + area, 0) / side;
    const upright = free.width >= free.height;
    let along = 0;
    for (const area of row) {
      const length = area / depth;
      result.push(
        upright
          ? { x: free.x, y: free.y + along, width: depth, height: length }
          : { x: free.x + along, y: free.y, width: length, height: depth },
      );
      along += length;
    }
    free = upright
      ? { ...free, x: free.x + depth, width: Math.max(1e-9, free.width - depth) }
      : { ...free, y: free.y + depth, height: Math.max(1e-9, free.height - depth) };
    begin = end;
  }
  return result.map((area) => ({ ...area, x: area.x / aspect, width: area.width / aspect }));
}

/** How far from a square the worst area of a row along `side` is: 1 is a square. */
function worst(row: readonly number[], side: number): number {
  const depth = row.reduce((total, area) => total + area, 0) / side;
  return Math.max(...row.map((area) => Math.max(depth ** 2 / area, area / depth ** 2)));
}
