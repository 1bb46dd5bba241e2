# push-emulator: one process, not root, its state in a volume.
#
#   docker build -t push-emulator .
#   docker run --rm -p 8080:8080 -e EMULATOR_ADMIN_TOKEN=choose-one push-emulator
#
# The container listens on all its addresses, so the admin API and the console want the token.

FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /app && /app/bin/pip install --no-cache-dir ".[tls]"

FROM python:3.12-slim
COPY --from=build /app /app
RUN useradd --system --uid 10001 --no-create-home emulator \
    && mkdir /state \
    && chown emulator /state
USER 10001
ENV PATH="/app/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    EMULATOR_HOST=0.0.0.0 \
    EMULATOR_PORT=8080 \
    EMULATOR_PORT_FILE=/state/port \
    EMULATOR_STATE=/state
VOLUME /state
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["push-emulator", "health"]
CMD ["push-emulator", "serve"]
