// PM2: pm2 start deploy/ecosystem.config.js. REDIS_URL is in .env.
const common = {
  cwd: `${__dirname}/..`,
  script: "main.py",
  interpreter: ".venv/bin/python",
  autorestart: true,
  restart_delay: 1000,
  kill_timeout: 8000, // every role ends within 5 s
  max_restarts: 1000000,
};
const router = { ROUTER_URL: "http://127.0.0.1:5011" };

module.exports = {
  apps: [
    { ...common, name: "grok-router", args: "--role router --port 5011 --data data/router" },
    { ...common, name: "grok-feed", args: "--role feed --port 5012 --data data/feed", env: router },
    { ...common, name: "grok-standby", args: "--role feed --port 5013 --data data/feed", env: router },
    { ...common, name: "grok-web1", args: "--role web --port 5021 --data data/web", env: router },
    { ...common, name: "grok-web2", args: "--role web --port 5022 --data data/web", env: router },
  ],
};
