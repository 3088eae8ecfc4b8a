/** Whether the page is on a phone, as the sheets mean it. */
import { useEffect, useState } from "preact/hooks";

const PHONE = "(max-width: 760px)";

export function usePhone(): boolean {
  const [phone, setPhone] = useState(() => matchMedia(PHONE).matches);
  useEffect(() => {
    const query = matchMedia(PHONE);
    const changed = () => setPhone(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return phone;
}
