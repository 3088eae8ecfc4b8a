/** Names and values, as a table. */
export function Attributes({ title, pairs }: { title: string; pairs: readonly (readonly [string, string])[] }) {
  if (!pairs.length) return null;
  return (
    <table class="attributes">
      <caption>{title}</caption>
      <tbody>
        {pairs.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <bdi>{value}</bdi>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
