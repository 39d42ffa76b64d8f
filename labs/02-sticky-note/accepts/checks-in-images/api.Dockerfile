FROM ms:v1
HEALTHCHECK --interval=1s --timeout=5s --start-period=10s CMD ["/ms", "health", "http://127.0.0.1:8080/healthz"]
