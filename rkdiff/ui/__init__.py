"""The app's side of the house: forms from knobs, the session, the stage. Only this floor and the pages know Streamlit."""
