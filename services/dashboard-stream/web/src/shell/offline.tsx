/** Says it where this device has no network; pages go on by themselves when it is back. */
import { useEffect, useState } from "preact/hooks";

export function Offline() {
  const [offline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const changed = () => setOffline(!navigator.onLine);
    addEventListener("online", changed);
    addEventListener("offline", changed);
    return () => {
      removeEventListener("online", changed);
      removeEventListener("offline", changed);
    };
  }, []);
  if (!offline) return null;
  return (
    <p class="banner warn offline" role="alert">
      This device is offline. What is shown stays as it was, and is updated by itself when the network is back.
    </p>
  );
}
