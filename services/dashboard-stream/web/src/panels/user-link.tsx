/** A user by their id: to the page of what they did. */
import { userLink } from "../model/timeline.ts";

export function UserLink({ id }: { id: string }) {
  return (
    <a href={userLink(id)} title="What this user did">
      <bdi>{id}</bdi>
    </a>
  );
}
