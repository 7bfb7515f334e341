const fs = require("fs");
fs.mkdirSync("public");
fs.writeFileSync("public/index.html", "<h1>built</h1>");
