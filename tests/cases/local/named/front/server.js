// Its own port and its neighbour's name are in the code.
const http = require("http");
const dns = require("dns");

http
  .createServer((request, response) => {
    if (request.url === "/self") {
      return http.get("http://localhost:8000/", (mine) => mine.pipe(response));
    }
    if (request.url === "/back") {
      return http.get({ host: "back", port: 8000, path: "/" }, (back) => back.pipe(response));
    }
    if (request.url === "/fetch") {
      return fetch("http://back:8000/").then((back) => back.text()).then((text) => response.end(text));
    }
    if (request.url === "/name") {
      return dns.lookup("back", (error, address) => response.end(error ? "none" : address));
    }
    response.end("front");
  })
  .listen(8000, () => console.log("listening"));
