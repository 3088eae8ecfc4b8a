/** Asks for the key of an administrator, where another one is held so far: the browser keeps it in a cookie that no script can read. */
import { beginSession } from "../live/analytics.ts";
import { RoleKey } from "./banner.tsx";

export function AdminKey({ opened }: { opened: () => void }) {
  const begin = async (key: string) => {
    const session = await beginSession(key, true); // nothing is being written here
    return session.may_administer ? "" : `This key has the role ${session.role}: one with the role admin is needed.`;
  };
  return <RoleKey owner="Administrator" role="admin" begin={begin} opened={opened} />;
}
