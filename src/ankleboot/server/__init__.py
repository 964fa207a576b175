"""An API and a page that stay up: `ankleboot serve`.

One process speaks HTTP and knows neither pictures nor models (`serve`, `api`, `guard`, `protocol`).
It hands whole requests to worker processes (`pool`), which take them apart, decode, ask the models
and write the answers (`worker`, `answering`, `payload`). So a picture that crashes a decoder, or a
model that crashes its runtime, costs one worker a second, and nobody else anything.

    ankleboot serve                    # http://127.0.0.1:8000, the shipped models
    curl --data-binary @boot.png -H 'Content-Type: image/png' http://127.0.0.1:8000/v1/predict
"""
