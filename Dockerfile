# push-emulator: one process, not root, its state in a volume.
#
#   docker build -t push-emulator .
#   docker run --rm -p 8080:8080 -e EMULATOR_ADMIN_TOKEN=choose-one push-emulator --seed 7
#
# The container listens on all its addresses, so the admin API and the console want the token.

FROM python:3.12-slim AS dependencies
WORKDIR /src
# Of the sources only what names the dependencies: a change of any other file installs nothing again.
COPY setup.cfg ./
RUN python -c "from configparser import ConfigParser; c = ConfigParser(); c.read('setup.cfg'); \
print(c['options']['install_requires'], *(c['options.extras_require'][e] for e in ('postgres', 'tls')), sep='\n')" \
    > requirements.txt \
    && python -m venv --without-pip /app \
    && pip --python /app/bin/python install --no-cache-dir -r requirements.txt
# The console speaks English and Russian, and Babel brings a thousand locales. Made-up people are seldom wanted,
# and the bytecode of their languages takes 7 MB.
RUN find /app/lib -path '*/babel/locale-data/*' ! -name root.dat ! -name en.dat ! -name ru.dat -delete \
    && find /app/lib -path '*/faker/providers/*' -name '*.pyc' -delete

FROM dependencies AS program
COPY setup.py pyproject.toml README.md LICENSE ./
COPY fixtures/default fixtures/default
COPY push_emulator push_emulator
COPY emulator emulator
RUN pip --python /app/bin/python install --no-cache-dir --no-deps --prefix /program .

FROM python:3.12-slim
LABEL org.opencontainers.image.title="push-emulator" \
      org.opencontainers.image.description="A local emulator of the Altcraft Platform's POST /push_subscribe" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/python:3.12-slim"
# Any user may write the state: platforms that choose one give it group 0, `docker run --user` may give any.
RUN pip uninstall --yes --root-user-action=ignore pip \
    && useradd --system --uid 10001 --gid 0 --no-create-home emulator \
    && install --directory --owner 10001 --group 0 --mode 0777 /state
ENV PATH="/app/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    EMULATOR_HOST=0.0.0.0 \
    EMULATOR_PORT=8080 \
    EMULATOR_PORT_FILE=/dev/shm/push-emulator.port \
    EMULATOR_STATE=/state
COPY --from=dependencies /app /app
COPY --from=program /program /app
# The base image has no bytecode of the standard library: without this each start compiles it.
RUN push-emulator serve --help > /dev/null \
    && push-emulator health --help > /dev/null \
    && push-emulator openapi --out /dev/null
USER 10001
VOLUME /state
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --start-interval=0.5s \
    CMD ["push-emulator", "health"]
ENTRYPOINT ["push-emulator"]
