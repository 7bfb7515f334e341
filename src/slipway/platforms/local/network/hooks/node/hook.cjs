// Runs first in every Node process of a service (NODE_OPTIONS=--require): keeps it on its
// instance's own address. A TCP listener on every interface, or on localhost with a port of the
// service, goes to the own address; services' names resolve to their instances. SLIPWAY_NET
// holds the facts; without it, nothing is done.
"use strict";

function install(net, dns, facts) {
  const [own, ownPorts] = facts.own;
  const hosts = facts.hosts;
  const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
  const isWildcard = (host) => host == null || ["", "0.0.0.0", "::"].includes(host);
  const isLoopback = (host) => ["localhost", "127.0.0.1", "::1"].includes(host);

  // Where a listener of ours really is, else null.
  function listening(host, port) {
    const number = Number(port);
    if (!Number.isInteger(number) || number === 0) return null;
    if (!isWildcard(host) && !(isLoopback(host) && has(ownPorts, number))) return null;
    return [own, has(ownPorts, number) ? ownPorts[number] : number];
  }

  // Where a name of ours really is, else null.
  function place(host, port) {
    const number = Number(port);
    if (typeof host === "string" && has(hosts, host)) {
      const [address, ports] = hosts[host];
      return [address, has(ports, number) ? ports[number] : number];
    }
    if ((host == null || isLoopback(host)) && has(ownPorts, number)) return [own, ownPorts[number]];
    return null;
  }

  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (...args) {
    const first = args[0];
    if (first !== null && typeof first === "object" && first.port != null) {
      const found = first.path == null && first.fd == null && listening(first.host, first.port);
      if (found) args[0] = { ...first, host: found[0], port: found[1] };
    } else if (typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first))) {
      const host = typeof args[1] === "string" ? args[1] : undefined;
      const found = listening(host, first);
      if (found) {
        args[0] = found[1];
        if (host !== undefined || args[1] == null) args[1] = found[0];
        else args.splice(1, 0, found[0]);
      }
    }
    return listen.apply(this, args);
  };

  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    // net.connect() hands its arguments over as one normalised array.
    const normalised = Array.isArray(args[0]) ? args[0] : null;
    const options = normalised ? normalised[0] : args[0];
    if (options !== null && typeof options === "object" && options.port != null && !options.path) {
      const found = place(options.host, options.port);
      if (found) Object.assign(options, { host: found[0], port: found[1], family: 4 });
    } else if (!normalised && typeof options === "number") {
      const host = typeof args[1] === "string" ? args[1] : undefined;
      const found = place(host, options);
      if (found) {
        args[0] = found[1];
        if (host !== undefined) args[1] = found[0];
        else args.splice(1, 0, found[0]);
      }
    }
    return connect.apply(this, args);
  };

  const lookup = dns.lookup;
  dns.lookup = function (name, ...rest) {
    return lookup.call(this, has(hosts, name) ? hosts[name][0] : name, ...rest);
  };
  const promised = dns.promises.lookup;
  dns.promises.lookup = function (name, ...rest) {
    return promised.call(this, has(hosts, name) ? hosts[name][0] : name, ...rest);
  };
}

if (process.env.SLIPWAY_NET) {
  try {
    install(require("node:net"), require("node:dns"), JSON.parse(process.env.SLIPWAY_NET));
  } catch (error) {
    process.stderr.write(`slipway: network hook is off: ${error}\n`);
  }
}
